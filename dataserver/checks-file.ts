/**
 * What an orderly end leaves in the file `checked`: which blocks of the device were read and found
 * good, and when. The next start takes it away before it goes on, so that after a crash there is none
 * and everything is read again; so it is when another dataserver, or one at another place, opens the
 * device.
 *
 *      0  magic        8 B   "QUARRYCK"
 *      8  format       u16   1
 *     10  opener       u16   its bytes
 *     12  rows         u32
 *     16  opener             UTF-8: which dataserver it was, and where it stood
 *         rows               block u32, generation u32, bytes u64, checked u64 (ms since 1970) each
 *         CRC32C       u32   of all that stands before
 *
 * Little-endian.
 */
import { crc32c } from "../base/checksum.ts";
import { type Disk, readWhole, replaceWhole } from "../base/disk.ts";
import type { BlockId } from "../base/ids.ts";
import type { Report } from "./report.ts";

const NAME = "checked";
const MAGIC = Buffer.from("QUARRYCK");
const FORMAT = 1;
const HEAD_BYTES = 16;
const ROW_BYTES = 24;

export interface CheckedBlock {
  readonly block: BlockId;
  readonly generation: number;
  /** Where its last record ended. */
  readonly lengthBytes: number;
  readonly goodMs: number;
}

/** Takes the file away, and says what it said; nothing when it is another opener's, or damaged. */
export async function takeChecks(
  disk: Disk,
  directory: string,
  opener: string,
  report: Report,
): Promise<CheckedBlock[]> {
  const path = `${directory}/${NAME}`;
  await disk.remove(`${path}.new`);
  if (!(await disk.exists(path))) return [];
  const found = decode(await readWhole(disk, path));
  await disk.remove(path);
  await disk.syncDirectory(directory);
  const again = "everything on the device is read again";
  if (found === undefined)
    report({ kind: "damage", path, message: `${path} is damaged; ${again}` });
  else if (found.opener !== opener)
    report({ kind: "moved", path, message: `${directory} was moved here; ${again}` });
  else return found.rows;
  return [];
}

export async function leaveChecks(
  disk: Disk,
  directory: string,
  opener: string,
  rows: readonly CheckedBlock[],
): Promise<void> {
  await replaceWhole(disk, `${directory}/${NAME}`, encode(opener, rows));
}

function encode(opener: string, rows: readonly CheckedBlock[]): Buffer {
  const name = Buffer.from(opener);
  const rowsAt = HEAD_BYTES + name.length;
  const bytes = Buffer.alloc(rowsAt + rows.length * ROW_BYTES + 4);
  MAGIC.copy(bytes);
  bytes.writeUInt16LE(FORMAT, 8);
  bytes.writeUInt16LE(name.length, 10);
  bytes.writeUInt32LE(rows.length, 12);
  name.copy(bytes, HEAD_BYTES);
  rows.forEach(({ block, generation, lengthBytes, goodMs }, i) => {
    const at = rowsAt + i * ROW_BYTES;
    bytes.writeUInt32LE(block, at);
    bytes.writeUInt32LE(generation, at + 4);
    bytes.writeBigUInt64LE(BigInt(lengthBytes), at + 8);
    bytes.writeBigUInt64LE(BigInt(Math.max(0, Math.floor(goodMs))), at + 16);
  });
  const crcAt = bytes.length - 4;
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, crcAt)), crcAt);
  return bytes;
}

/** Undefined when the bytes are damaged, or of a format that is not known here. */
function decode(bytes: Buffer): { opener: string; rows: CheckedBlock[] } | undefined {
  if (bytes.length < HEAD_BYTES + 4 || !MAGIC.equals(bytes.subarray(0, 8))) return undefined;
  const crcAt = bytes.length - 4;
  if (crc32c(bytes.subarray(0, crcAt)) !== bytes.readUInt32LE(crcAt)) return undefined;
  const rowsAt = HEAD_BYTES + bytes.readUInt16LE(10);
  const count = bytes.readUInt32LE(12);
  if (bytes.readUInt16LE(8) !== FORMAT || crcAt !== rowsAt + count * ROW_BYTES) return undefined;
  const rows = Array.from({ length: count }, (_, i): CheckedBlock => {
    const at = rowsAt + i * ROW_BYTES;
    return {
      block: bytes.readUInt32LE(at) as BlockId,
      generation: bytes.readUInt32LE(at + 4),
      lengthBytes: Number(bytes.readBigUInt64LE(at + 8)),
      goodMs: Number(bytes.readBigUInt64LE(at + 16)),
    };
  });
  return { opener: bytes.subarray(HEAD_BYTES, rowsAt).toString(), rows };
}
