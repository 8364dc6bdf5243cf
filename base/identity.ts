/**
 * Who a data directory is: a random UUID in `identity.json`, written once. A wiped directory gets a
 * new one, so nobody takes it for what it was.
 */
import { crc32c } from "./checksum.ts";
import type { Clock } from "./clock.ts";
import { type Disk, readWhole, replaceWhole } from "./disk.ts";
import { QuarryError } from "./errors.ts";
import type { Random } from "./random.ts";
import { FIRST_LEVEL, LEVEL, SOFTWARE_VERSION } from "./version.ts";

const FORMAT = 2;
export const IDENTITY_FILE = "identity.json";

export interface Identity {
  readonly kind: "device" | "nameserver" | "dataserver";
  /** UUID. */
  readonly id: string;
  readonly createdMs: number;
  /** A version must know this level to open it (base/version.ts). Absent, format 1: any does. */
  readonly level?: number;
}

/** The identity of a directory, or undefined when it has none yet. */
export async function readIdentity(disk: Disk, directory: string): Promise<Identity | undefined> {
  const path = `${directory}/${IDENTITY_FILE}`;
  if (!(await disk.exists(path))) return undefined;
  return parse(path, await readWhole(disk, path));
}

/**
 * Gives a directory its identity, durably; an identity that is there stays. Throws `NewerFormat`,
 * `Damaged`, and `InvalidArgument` when the directory belongs to another kind of server.
 */
export async function ensureIdentity(
  disk: Disk,
  directory: string,
  kind: Identity["kind"],
  seams: { readonly clock: Clock; readonly random: Pick<Random, "uuid"> },
): Promise<Identity> {
  const known = await readIdentity(disk, directory);
  if (known !== undefined) {
    if (known.kind === kind) return known;
    throw new QuarryError(
      "InvalidArgument",
      `${directory} is the data of a ${known.kind}, not of a ${kind}; choose another directory`,
    );
  }
  const identity: Identity = { kind, id: seams.random.uuid(), createdMs: seams.clock.nowMs() };
  await write(disk, directory, identity);
  return identity;
}

/** From now on only versions that know this level open the directory. */
export async function demandLevel(disk: Disk, directory: string, level: number): Promise<void> {
  const known = await readIdentity(disk, directory);
  if (known === undefined || (known.level ?? FIRST_LEVEL) >= level) return;
  await write(disk, directory, { ...known, level });
}

async function write(disk: Disk, directory: string, identity: Identity): Promise<void> {
  const content = `${JSON.stringify({ ...stored(identity), check: checkOf(identity) }, null, 2)}\n`;
  await replaceWhole(disk, `${directory}/${IDENTITY_FILE}`, Buffer.from(content));
}

/** Earlier versions read the first format, and refuse the second. */
const stored = ({ kind, id, createdMs, level }: Identity) =>
  level === undefined
    ? { format: 1, kind, id, createdMs }
    : { format: FORMAT, kind, id, createdMs, level };

/** CRC32C in hex, so that a changed digit does not make another identity. */
function checkOf(identity: Identity): string {
  const text = JSON.stringify(stored(identity));
  return crc32c(Buffer.from(text)).toString(16).padStart(8, "0");
}

function parse(path: string, content: Buffer): Identity {
  const damaged = (cause?: unknown) =>
    new QuarryError("Damaged", `${path} is damaged; restore it from a backup to keep the data`, {
      cause,
    });
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(content.toString()) as Record<string, unknown>;
  } catch (error) {
    throw damaged(error);
  }
  if (typeof fields !== "object" || fields === null) throw damaged();
  const { format, kind, id, createdMs, level, check } = fields;
  if (typeof format === "number" && format > FORMAT)
    throw new QuarryError(
      "NewerFormat",
      `${path} was written by a newer version of Quarry (format ${format}); install that version`,
    );
  if (kind !== "device" && kind !== "nameserver" && kind !== "dataserver") throw damaged();
  if (typeof id !== "string" || typeof createdMs !== "number") throw damaged();
  const hasLevel = format === FORMAT && typeof level === "number";
  const identity: Identity = { kind, id, createdMs, ...(hasLevel && { level }) };
  if (format !== stored(identity).format || check !== checkOf(identity)) throw damaged();
  if ((identity.level ?? FIRST_LEVEL) > LEVEL)
    throw new QuarryError(
      "NewerFormat",
      `${path} needs level ${identity.level}, and version ${SOFTWARE_VERSION} knows ${LEVEL}: install the version that wrote it`,
    );
  return identity;
}
