/** Reads a backup from its first byte to its last and checks all of it. */
import type { Disk } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import { BackupDecoder } from "../../nameserver/backup/backup-file.ts";
import { digestText, RowTally } from "../../nameserver/backup/row-tally.ts";
import { RowWriter } from "../../nameserver/group/snapshot-bytes.ts";
import type { Backup } from "./write-backup.ts";

/** @throws QuarryError `Damaged` with the place. `onPiece` gets the bytes of rows as they come. */
export async function readBackup(
  disk: Disk,
  path: string,
  onPiece: (bytes: Buffer) => Promise<void> = async () => {},
): Promise<Backup> {
  await using file = await disk.open(path, "read");
  const decoder = new BackupDecoder(file);
  const writer = new RowWriter();
  const tally = new RowTally();
  for await (const piece of decoder.pieces()) {
    tally.add(writer.rows(piece));
    await onPiece(piece);
  }
  writer.end();
  const { head, digest } = tally.check();
  const { end } = decoder;
  if (end === undefined || end.rows !== tally.rows)
    throw new QuarryError("Damaged", `${path} does not hold as many rows as it says`);
  const { index, timeMs } = head;
  return { file: path, ...end, index, timeMs, digest: digestText(digest) };
}
