/** The bytes of one range, from its start to its end, as they are made from the needles that go there. */
import type { NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { PieceSource } from "../../erasure/windows.ts";
import type { Gathered } from "../rebuild/gather.ts";
import { encodeRecord, recordBytes } from "../record.ts";
import type { WholeNeedle } from "../record-writer.ts";
import { SUPERBLOCK_BYTES } from "../superblock.ts";

export interface RangeOptions {
  /** Rows in the order in which they stand in the range. */
  readonly rows: readonly number[];
  readonly ids: BigUint64Array;
  readonly lengths: Uint32Array;
  readonly seed: number;
  readonly gather: (rows: readonly number[]) => Promise<Gathered>;
  /** Told of each needle; of one that cannot be had, without it. A room of zeros is left for that. */
  readonly took: (row: number, needle: WholeNeedle | undefined) => Promise<void>;
}

export class RangeStream implements PieceSource, Disposable {
  readonly #options: RangeOptions;
  #next = 0;
  /** Where the next record begins in the range. */
  #end = 0;
  #parts: Uint8Array[] = [];
  #held: Gathered | undefined;

  constructor(options: RangeOptions) {
    this.#options = options;
  }

  /** Fills all of `target`; called for one run behind the other. */
  async read(target: Uint8Array): Promise<number> {
    for (let at = 0; at < target.length; ) {
      const part = this.#parts[0];
      if (part === undefined) {
        if (await this.#load()) continue;
        target.fill(0, at);
        break;
      }
      const taken = part.subarray(0, target.length - at);
      target.set(taken, at);
      at += taken.length;
      if (taken.length === part.length) this.#parts.shift();
      else this.#parts[0] = part.subarray(taken.length);
    }
    return target.length;
  }

  [Symbol.dispose](): void {
    this.#parts = [];
    this.#held?.[Symbol.dispose]();
    this.#held = undefined;
  }

  /** The next needles, as many as one answer of a source has; false when there are no more. */
  async #load(): Promise<boolean> {
    this[Symbol.dispose]();
    const { ids, seed, gather, took } = this.#options;
    const rows = this.#window();
    if (rows.length === 0) return false;
    this.#held = await gather(rows);
    const found = new Map(this.#held.needles.map((one) => [one.needle, one]));
    const parts: Uint8Array[] = [];
    for (const row of rows) {
      const needle = found.get(ids[row] as NeedleId);
      await took(row, needle);
      const lengthBytes = this.#options.lengths[row] ?? 0;
      if (needle === undefined) parts.push(Buffer.alloc(recordBytes(lengthBytes)));
      else {
        const header = { kind: "needle", lengthBytes, needle: needle.needle } as const;
        const { head, foot } = encodeRecord(
          seed,
          SUPERBLOCK_BYTES + this.#end,
          { ...header, ...needle.owner },
          { checksums: needle.checksums, syncedBytes: 0 },
        );
        parts.push(head, ...(lengthBytes > 0 ? [needle.data] : []), foot);
      }
      this.#end += recordBytes(lengthBytes);
    }
    this.#parts = parts;
    return true;
  }

  #window(): number[] {
    const { rows, lengths } = this.#options;
    const window: number[] = [];
    let bytes = 0;
    while (this.#next < rows.length && window.length < limits.fetchNeedles) {
      const row = rows[this.#next] ?? 0;
      bytes += recordBytes(lengths[row] ?? 0);
      if (window.length > 0 && bytes > limits.fetchBytes) break;
      window.push(row);
      this.#next++;
    }
    return window;
  }
}
