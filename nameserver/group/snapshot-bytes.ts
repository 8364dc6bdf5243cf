/**
 * A state as bytes, for another nameserver: all rows in key order, the head's row first.
 *
 *   u32 bytes of the key, u32 bytes of the value, key, value      little-endian, row after row
 *
 * Values are rows as they are stored, each with its own checksum.
 */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { type Key, tags } from "../keyspace.ts";
import { checkRow } from "../row-codec.ts";
import type { Change, RangeCursor, StateReads } from "../state-store.ts";

const ROW_HEAD_BYTES = 8;
const READ_ROWS = 1000;
/** Of a piece and the rows that were read with its last one, mostly. */
const GATHERED_BYTES = 2 * limits.raftSnapshotPieceBytes;
const BEHIND_ALL: Key = "\xff\xff";

/** Reads the rows of a state at rest, piece by piece. */
export class RowReader {
  readonly #cursor: RangeCursor;
  /** Rows on their way, from the beginning up to `#endBytes`. */
  #gathered: Buffer = Buffer.allocUnsafe(GATHERED_BYTES);
  #endBytes = 0;
  #isDone = false;

  constructor(state: StateReads) {
    this.#cursor = state.range(tags.meta, BEHIND_ALL);
  }

  /**
   * The next piece; the last may be shorter, or empty.
   * @throws QuarryError `Damaged` for a row that fails its checksum.
   */
  async next(): Promise<{ readonly bytes: Buffer; readonly last: boolean }> {
    while (!this.#isDone && this.#endBytes < limits.raftSnapshotPieceBytes) {
      const rows = await this.#cursor.next(READ_ROWS);
      this.#isDone = rows.length === 0;
      for (const { key, value } of rows) {
        checkRow(key, value);
        this.#add(key, value);
      }
    }
    const lengthBytes = Math.min(this.#endBytes, limits.raftSnapshotPieceBytes);
    const bytes = Buffer.from(this.#gathered.subarray(0, lengthBytes));
    this.#gathered.copyWithin(0, lengthBytes, this.#endBytes);
    this.#endBytes -= lengthBytes;
    return { bytes, last: this.#isDone && this.#endBytes === 0 };
  }

  async close(): Promise<void> {
    await this.#cursor[Symbol.asyncDispose]();
  }

  #add(key: Key, value: Buffer): void {
    const at = this.#endBytes;
    const keyAt = at + ROW_HEAD_BYTES;
    const end = keyAt + key.length + value.length;
    if (end > this.#gathered.length) {
      const larger = Buffer.allocUnsafe(2 * end);
      this.#gathered.copy(larger, 0, 0, at);
      this.#gathered = larger;
    }
    this.#gathered.writeUInt32LE(key.length, at);
    this.#gathered.writeUInt32LE(value.length, at + 4);
    this.#gathered.write(key, keyAt, "latin1");
    this.#gathered.set(value, keyAt + key.length);
    this.#endBytes = end;
  }
}

/** Takes rows out of pieces, whatever way they were cut. */
export class RowWriter {
  #rest: Buffer = Buffer.alloc(0);

  /** @throws QuarryError `Damaged` for a row that fails its checksum. */
  rows(piece: Uint8Array): Change[] {
    const bytes = Buffer.concat([this.#rest, piece]);
    const rows: Change[] = [];
    let at = 0;
    while (bytes.length - at >= ROW_HEAD_BYTES) {
      const keyEnd = at + ROW_HEAD_BYTES + bytes.readUInt32LE(at);
      const end = keyEnd + bytes.readUInt32LE(at + 4);
      if (end > bytes.length) break;
      const keyBytes = bytes.subarray(at + ROW_HEAD_BYTES, keyEnd);
      const value = bytes.subarray(keyEnd, end);
      const key = keyBytes.toString("latin1");
      checkRow(key, value);
      rows.push({ key, keyBytes, value });
      at = end;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
    return rows;
  }

  /** @throws QuarryError `Damaged` when the last row is not whole. */
  end(): void {
    if (this.#rest.length > 0) throw new QuarryError("Damaged", "a snapshot ends within a row");
  }
}
