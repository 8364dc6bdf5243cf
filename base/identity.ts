/**
 * Who a data directory is: a random UUID in `identity.json`, written once. A wiped directory gets a
 * new one, so nobody takes it for what it was.
 */
import { crc32c } from "./checksum.ts";
import type { Clock } from "./clock.ts";
import { type Disk, readWhole, replaceWhole } from "./disk.ts";
import { QuarryError } from "./errors.ts";
import type { Random } from "./random.ts";

const FORMAT = 1;
const NAME = "identity.json";

export interface Identity {
  readonly kind: "device" | "nameserver" | "dataserver";
  /** UUID. */
  readonly id: string;
  readonly createdMs: number;
}

/** The identity of a directory, or undefined when it has none yet. */
export async function readIdentity(disk: Disk, directory: string): Promise<Identity | undefined> {
  const path = `${directory}/${NAME}`;
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
  const content = `${JSON.stringify({ ...stored(identity), check: checkOf(identity) }, null, 2)}\n`;
  await replaceWhole(disk, `${directory}/${NAME}`, Buffer.from(content));
  return identity;
}

const stored = ({ kind, id, createdMs }: Identity) => ({ format: FORMAT, kind, id, createdMs });

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
  const { format, kind, id, createdMs, check } = fields;
  if (typeof format === "number" && format > FORMAT)
    throw new QuarryError(
      "NewerFormat",
      `${path} was written by a newer version of Quarry (format ${format}); install that version`,
    );
  if (kind !== "device" && kind !== "nameserver" && kind !== "dataserver") throw damaged();
  if (typeof id !== "string" || typeof createdMs !== "number") throw damaged();
  const identity: Identity = { kind, id, createdMs };
  if (format !== FORMAT || check !== checkOf(identity)) throw damaged();
  return identity;
}
