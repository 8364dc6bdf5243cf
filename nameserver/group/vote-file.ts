/**
 * Term and vote of a nameserver, beside its log: `vote`, replaced whole at each change. Losing it
 * means losing the right to come back under the same id (raft/README.md), so it has a check.
 *
 *     0  magic "QVOT"    4  u32 format, 1
 *     8  u64 term       16  u64 vote       24  u8 1: must not vote
 *    25  reserved, 0    28  u32 CRC32C of bytes 0 … 27          little-endian
 */
import { crc32c } from "../../base/checksum.ts";
import { type Disk, readWhole, replaceWhole } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import type { NodeId, Term } from "../../base/ids.ts";
import type { HardState } from "../../raft/entry.ts";

const MAGIC = 0x544f5651;
const FORMAT = 1;
const BYTES = 32;
const CHECK_AT = 28;

const pathIn = (directory: string) => `${directory}/vote`;

/** The last term and vote; undefined before the first. */
export async function readVote(disk: Disk, directory: string): Promise<HardState | undefined> {
  const path = pathIn(directory);
  if (!(await disk.exists(path))) return undefined;
  const bytes = await readWhole(disk, path);
  const whole = bytes.length === BYTES && bytes.readUInt32LE(0) === MAGIC;
  if (!whole || bytes.readUInt32LE(CHECK_AT) !== crc32c(bytes.subarray(0, CHECK_AT)))
    throw new QuarryError(
      "Damaged",
      `${path} is damaged: this nameserver cannot know whom it voted for. Remove it from the group and add a new one`,
    );
  if (bytes.readUInt32LE(4) > FORMAT)
    throw new QuarryError("NewerFormat", `${path} was written by a newer version: update Quarry`);
  return {
    term: Number(bytes.readBigUInt64LE(8)) as Term,
    vote: Number(bytes.readBigUInt64LE(16)) as NodeId,
    mustNotVote: bytes[24] === 1,
  };
}

export async function writeVote(disk: Disk, directory: string, vote: HardState): Promise<void> {
  const bytes = Buffer.alloc(BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(FORMAT, 4);
  bytes.writeBigUInt64LE(BigInt(vote.term), 8);
  bytes.writeBigUInt64LE(BigInt(vote.vote), 16);
  bytes[24] = vote.mustNotVote ? 1 : 0;
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, CHECK_AT)), CHECK_AT);
  await replaceWhole(disk, pathIn(directory), bytes);
}
