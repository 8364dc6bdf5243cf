/** Writes a backup: piece after piece into a file beside, checked, renamed when it is whole. */
import { dirname } from "node:path";
import type { Clock } from "../../base/clock.ts";
import type { Disk } from "../../base/disk.ts";
import { hasCode } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import { BackupEncoder } from "../../nameserver/backup/backup-file.ts";
import { digestText, RowTally } from "../../nameserver/backup/row-tally.ts";
import { RowWriter } from "../../nameserver/group/snapshot-bytes.ts";
import type { StatePiece, StatePieceRequest } from "../../rpc/name-service.ts";

export type ReadPiece = (request: StatePieceRequest) => Promise<StatePiece>;

export interface Backup {
  readonly file: string;
  readonly createdMs: number;
  /** The last entry of the log that is in it, and that entry's time. */
  readonly index: number;
  readonly timeMs: number;
  readonly rows: number;
  /** Of the file's pieces. */
  readonly bytes: number;
  readonly digest: string;
  readonly sha256: string;
}

export interface WriteBackupOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly file: string;
  readonly read: ReadPiece;
  readonly onProgress: (bytes: number, rows: number) => void;
}

/** The leader may change in the middle of a reading. */
const ATTEMPTS = 5;

export async function writeBackup(options: WriteBackupOptions): Promise<Backup> {
  for (let attempt = 1; ; attempt++)
    try {
      return await writeOnce(options);
    } catch (error) {
      if (attempt >= ATTEMPTS || !hasCode(error, "Changed")) throw error;
    }
}

async function writeOnce(options: WriteBackupOptions): Promise<Backup> {
  const { disk, clock, random, file } = options;
  const beside = `${file}.new`;
  await disk.remove(beside);
  try {
    const createdMs = clock.nowMs();
    const encoder = new BackupEncoder(random.u32());
    const { written, tally } = await writePieces(options, beside, encoder, createdMs);
    await disk.rename(beside, file);
    await disk.syncDirectory(dirname(file));
    const { head, digest } = tally.check();
    const { index, timeMs } = head;
    const { bytes } = encoder;
    const sums = { digest: digestText(digest), sha256: written.sha256 };
    return { file, createdMs, index, timeMs, rows: tally.rows, bytes, ...sums };
  } catch (error) {
    await disk.remove(beside).catch(() => undefined); // the reason is told
    throw error;
  }
}

async function writePieces(
  { disk, read, onProgress }: WriteBackupOptions,
  path: string,
  encoder: BackupEncoder,
  createdMs: number,
) {
  await using file = await disk.open(path, "create");
  const writer = new RowWriter();
  const tally = new RowTally();
  let at = 0;
  const write = async (parts: readonly Uint8Array[]) => {
    await file.write(parts, at);
    at += parts.reduce((sum, part) => sum + part.length, 0);
  };
  await write([encoder.header(createdMs)]);
  let piece = await read({ offset: 0 });
  for (;;) {
    if (piece.bytes.length > 0) await write(encoder.piece(piece.bytes));
    tally.add(writer.rows(piece.bytes));
    onProgress(encoder.bytes, tally.rows);
    if (piece.last) break;
    piece = await read({ reading: piece.reading, offset: piece.offset + piece.bytes.length });
  }
  writer.end();
  tally.check();
  const written = encoder.end(tally.rows);
  await write([written.bytes]);
  await file.sync();
  return { written, tally };
}
