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
const READ_ROWS = 256;
const BEHIND_ALL: Key = "\xff\xff";

/** Reads the rows of a state at rest, piece by piece. */
export class RowReader {
  readonly #cursor: RangeCursor;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isDone = false;

  constructor(state: StateReads) {
    this.#cursor = state.range(tags.meta, BEHIND_ALL);
  }

  /**
   * The next piece; the last may be shorter, or empty.
   * @throws QuarryError `Damaged` for a row that fails its checksum.
   */
  async next(): Promise<{ readonly bytes: Buffer; readonly last: boolean }> {
    while (!this.#isDone && this.#waitingBytes < limits.raftSnapshotPieceBytes) {
      const rows = await this.#cursor.next(READ_ROWS);
      this.#isDone = rows.length === 0;
      for (const { key, value } of rows) {
        checkRow(key, value);
        this.#add(Buffer.from(key, "latin1"), value);
      }
    }
    const all = Buffer.concat(this.#waiting);
    const bytes = all.subarray(0, limits.raftSnapshotPieceBytes);
    const rest = all.subarray(bytes.length);
    this.#waiting = rest.length === 0 ? [] : [rest];
    this.#waitingBytes = rest.length;
    return { bytes, last: this.#isDone && rest.length === 0 };
  }

  async close(): Promise<void> {
    await this.#cursor[Symbol.asyncDispose]();
  }

  #add(key: Buffer, value: Buffer): void {
    const head = Buffer.alloc(ROW_HEAD_BYTES);
    head.writeUInt32LE(key.length, 0);
    head.writeUInt32LE(value.length, 4);
    this.#waiting.push(head, key, value);
    this.#waitingBytes += head.length + key.length + value.length;
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
