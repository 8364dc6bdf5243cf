/** Writes the records of a whole block file one behind the other, from the superblock to the seal. */
import type { DiskFile } from "../base/disk.ts";
import { FREE, type NeedleId, type NeedleOwner } from "../base/ids.ts";
import { encodeRecord, type RecordHeader, recordBytes, seedOfBlock } from "./record.ts";
import { encodeSuperblock, SUPERBLOCK_BYTES, type Superblock } from "./superblock.ts";

export interface WholeNeedle {
  readonly needle: NeedleId;
  readonly owner: NeedleOwner;
  readonly checksums: Uint32Array;
  readonly data: Uint8Array;
}

const none = new Uint32Array(0);

export class RecordWriter {
  /** `seedOfBlock` of the superblock. */
  readonly seed: number;
  readonly #file: Pick<DiskFile, "write">;
  /** Gathered for the next write. */
  #parts: Uint8Array[];
  /** Where they begin. */
  #from = 0;
  #end = SUPERBLOCK_BYTES;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: Pick<DiskFile, "write">, superblock: Superblock) {
    this.#file = file;
    this.seed = seedOfBlock(superblock);
    this.#parts = [encodeSuperblock(superblock)];
  }

  /** Where the next record will stand. */
  get endBytes(): number {
    return this.#end;
  }

  get gatheredBytes(): number {
    return this.#end - this.#from;
  }

  /** The data must stay as they are until they are written. */
  put({ needle, owner, checksums, data }: WholeNeedle): void {
    this.#add({ kind: "needle", lengthBytes: data.length, needle, ...owner }, checksums, data);
  }

  /** Records that were sealed for {@link endBytes} and on; they stay as they are until written. */
  take(parts: readonly Uint8Array[], lengthBytes: number): void {
    this.#parts.push(...parts);
    this.#end += lengthBytes;
  }

  /** A tombstone, of a needle that is here or was. */
  remove(needle: NeedleId): void {
    this.#bare("tombstone", needle);
  }

  /**
   * Begins to write what was gathered once everything before is written: at most one write runs.
   * `written`: its memory is free, for whatever reason. A failure is told by the next call.
   */
  async flush(written: () => void = () => undefined): Promise<void> {
    const parts = this.#parts;
    const from = this.#from;
    this.#parts = [];
    this.#from = this.#end;
    try {
      await this.#writing;
    } catch (error) {
      written();
      throw error;
    }
    this.#writing = this.#file.write(parts, from).finally(written);
    this.#writing.catch(() => undefined); // told by the next call
  }

  /** Resolves when nothing is under way. */
  async written(): Promise<void> {
    await this.#writing;
  }

  /**
   * Writes the seal; resolves with the length of the file. The seal says that everything before it
   * is on the disk: that is so before anybody reads it, since the file gets its name after its sync.
   */
  async seal(): Promise<number> {
    this.#bare("seal", 0n as NeedleId, this.#end);
    await this.flush();
    await this.written();
    return this.#end;
  }

  #bare(kind: "tombstone" | "seal", needle: NeedleId, syncedBytes = 0): void {
    this.#add({ kind, lengthBytes: 0, needle, blob: FREE, chunk: 0 }, none, undefined, syncedBytes);
  }

  #add(header: RecordHeader, checksums: Uint32Array, data?: Uint8Array, syncedBytes = 0): void {
    const { head, foot } = encodeRecord(this.seed, this.#end, header, { checksums, syncedBytes });
    this.#parts.push(head);
    if (data !== undefined && data.length > 0) this.#parts.push(data);
    this.#parts.push(foot);
    this.#end += recordBytes(header.lengthBytes);
  }
}
