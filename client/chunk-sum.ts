/**
 * The CRC of chunks that are read window by window. Windows are verified by themselves; this finds
 * what they cannot see: pieces that are each as they were stored, and do not give the chunk.
 */
import { crc32c } from "../base/checksum.ts";
import type { ReadableChunk, Window } from "./content-cursor.ts";

export class ChunkSum {
  #chunk: ReadableChunk | undefined;
  #at = 0;
  #sum = 0;

  /** Takes windows in their order; false when a chunk that was read whole is not what was written. */
  add({ chunk, from }: Window, bytes: Uint8Array): boolean {
    if (from === 0) {
      this.#chunk = chunk;
      this.#at = this.#sum = 0;
    }
    if (this.#chunk !== chunk || this.#at !== from) return true;
    this.#sum = crc32c(bytes, this.#sum);
    this.#at += bytes.length;
    return this.#at < chunk.lengthBytes || this.#sum === (chunk.crc32c ?? this.#sum);
  }
}
