/**
 * Which folders founded a group: the file `founders`, JSON with a check.
 *
 *   {"format":1, "node":1, "peers":"1=host:port,2=host:port", "tokens":{"1":"…","2":"…"}, "check":"…"}
 *
 * `tokens`: of those that were met, the own among them; it grows until all are there, and never changes
 * after. `check`: CRC32C of all before, hexadecimal.
 */
import { crc32c } from "../../base/checksum.ts";
import { type Disk, readWhole, replaceWhole } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";

const FORMAT = 1;

export interface Founders {
  readonly node: NodeId;
  /** All founders, as in 1=host:port,2=host:port, by number. */
  readonly peers: string;
  readonly tokens: ReadonlyMap<NodeId, string>;
}

const pathIn = (directory: string) => `${directory}/founders`;

/** @throws QuarryError `Damaged`, `NewerFormat`. */
export async function readFounders(disk: Disk, directory: string): Promise<Founders | undefined> {
  const path = pathIn(directory);
  if (!(await disk.exists(path))) return undefined;
  try {
    return parse(path, (await readWhole(disk, path)).toString());
  } catch (error) {
    if (error instanceof QuarryError && error.code === "NewerFormat") throw error;
    throw new QuarryError("Damaged", `${path} is damaged; restore it from a copy of the folder`, {
      cause: error,
    });
  }
}

export async function writeFounders(
  disk: Disk,
  directory: string,
  founders: Founders,
): Promise<void> {
  const content = { ...stored(founders), check: checkOf(founders) };
  await replaceWhole(disk, pathIn(directory), Buffer.from(`${JSON.stringify(content)}\n`));
}

function stored({ node, peers, tokens }: Founders) {
  const byNumber = [...tokens].toSorted(([a], [b]) => a - b);
  return { format: FORMAT, node, peers, tokens: Object.fromEntries(byNumber) };
}

const checkOf = (founders: Founders): string =>
  crc32c(Buffer.from(JSON.stringify(stored(founders))))
    .toString(16)
    .padStart(8, "0");

function parse(path: string, text: string): Founders {
  const { format, node, peers, tokens, check } = JSON.parse(text) as ReturnType<typeof stored> & {
    readonly check: string;
  };
  if (format > FORMAT)
    throw new QuarryError("NewerFormat", `${path} was written by a newer version: update Quarry`);
  const pairs = Object.entries(tokens).map(([id, token]) => [Number(id) as NodeId, token] as const);
  const founders = { node, peers, tokens: new Map(pairs) };
  if (check !== checkOf(founders)) throw new QuarryError("Damaged", "its check does not hold");
  return founders;
}
