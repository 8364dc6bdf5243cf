/**
 * Which member of a group a folder belongs to, and who the others are: the file `member`, JSON with a
 * check. With it a start needs nothing but the folder; it is also what is known of the group when
 * the state is harmed. It follows the state; where they differ the state is right.
 *
 *   {"format":2, "node":4, "token":"…", "founders":[1,2,3], "voters":[1,2,4], "addresses":{"1":"host:port"}, "check":"…"}
 *
 * `node` 0: a number was asked for, and has not come yet. `check`: CRC32C of all before, hexadecimal.
 * Format 1 was the number alone.
 */
import { crc32c } from "../../base/checksum.ts";
import { type Disk, readWhole, replaceWhole } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import { type Address, formatAddress, parseAddress } from "../../rpc/address.ts";

const FORMAT = 2;

export interface MemberRecord {
  readonly node: NodeId;
  /** Of the folder, for the asking of a number; empty for founders. */
  readonly token: string;
  /** The voters when the group began, if this member was there; else nobody. */
  readonly founders: readonly NodeId[];
  /** The voters as last heard. */
  readonly voters: readonly NodeId[];
  /** Of all members as last heard. */
  readonly addresses: ReadonlyMap<NodeId, Address>;
}

const pathIn = (directory: string) => `${directory}/member`;

/**
 * What the folder says; undefined when it belongs to nobody, a number when that is all it says.
 * @throws QuarryError `Damaged`, `NewerFormat`.
 */
export async function readMember(
  disk: Disk,
  directory: string,
): Promise<MemberRecord | NodeId | undefined> {
  const path = pathIn(directory);
  if (!(await disk.exists(path))) return undefined;
  const text = (await readWhole(disk, path)).toString();
  if (/^[1-9]\d{0,8}\n$/.test(text)) return Number(text) as NodeId;
  try {
    return parse(path, text);
  } catch (error) {
    if (error instanceof QuarryError && error.code === "NewerFormat") throw error;
    throw new QuarryError(
      "Damaged",
      `${path} is damaged: which member this folder belongs to is not known. Remove that nameserver from the group (quarry admin nameserver remove) and join with a new folder`,
      { cause: error },
    );
  }
}

export async function writeMember(
  disk: Disk,
  directory: string,
  record: MemberRecord,
): Promise<void> {
  const content = `${JSON.stringify({ ...stored(record), check: checkOf(record) })}\n`;
  await replaceWhole(disk, pathIn(directory), Buffer.from(content));
}

function stored({ node, token, founders, voters, addresses }: MemberRecord) {
  const places = [...addresses].toSorted(([a], [b]) => a - b);
  return {
    ...{ format: FORMAT, node, token, founders, voters },
    addresses: Object.fromEntries(places.map(([id, address]) => [id, formatAddress(address)])),
  };
}

export function sameRecord(a: MemberRecord, b: MemberRecord): boolean {
  return JSON.stringify(stored(a)) === JSON.stringify(stored(b));
}

function checkOf(record: MemberRecord): string {
  return crc32c(Buffer.from(JSON.stringify(stored(record))))
    .toString(16)
    .padStart(8, "0");
}

type Stored = ReturnType<typeof stored> & { readonly check: string };

function parse(path: string, text: string): MemberRecord {
  const { format, node, token, founders, voters, addresses, check } = JSON.parse(text) as Stored;
  if (format > FORMAT)
    throw new QuarryError("NewerFormat", `${path} was written by a newer version: update Quarry`);
  const places = Object.entries(addresses).map(
    ([id, address]) => [Number(id) as NodeId, parseAddress(address)] as const,
  );
  const record = { node, token, founders, voters, addresses: new Map(places) };
  if (check !== checkOf(record)) throw new QuarryError("Damaged", "its check does not hold");
  return record;
}
