/**
 * Buffers that are used again. Fresh ones cost several times the copy into them: the system hands them
 * out page by page, and each 64 MiB of them makes V8 look for garbage (a third of the CPU of small
 * calls with 4 KiB).
 *
 * Who finishes with a buffer may give it back; who does not leaves it to the garbage collector.
 * Giving what the pool did not hand out does nothing, so a payload can be given back without
 * knowing where it came from.
 */
import { assert } from "./errors.ts";
import { limits } from "./limits.ts";

/** Sizes are multiples of one of these; still smaller buffers are not pooled. */
const STEP_BYTES = 128 * 1024;
const SMALL_STEP_BYTES = 4 * 1024;
const LEAST_BYTES = 2 * 1024;

function roomFor(lengthBytes: number): number {
  const stepBytes = lengthBytes < STEP_BYTES / 2 ? SMALL_STEP_BYTES : STEP_BYTES;
  return Math.ceil(lengthBytes / stepBytes) * stepBytes;
}

export class BufferPool {
  /** Free buffers by their size. */
  readonly #free = new Map<number, ArrayBuffer[]>();
  readonly #taken = new WeakSet<ArrayBufferLike>();
  readonly #keepBytes: number;
  #keptBytes = 0;

  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes;
  }

  /** A buffer of this length, with anything in it. */
  take(lengthBytes: number): Buffer {
    assert(lengthBytes >= 0, "a length is not negative");
    if (lengthBytes < LEAST_BYTES) return Buffer.allocUnsafe(lengthBytes);
    const roomBytes = roomFor(lengthBytes);
    let memory = this.#free.get(roomBytes)?.pop();
    if (memory !== undefined) this.#keptBytes -= memory.byteLength;
    memory ??= Buffer.allocUnsafeSlow(roomBytes).buffer;
    this.#taken.add(memory);
    return Buffer.from(memory, 0, lengthBytes);
  }

  /** Takes back a buffer (or any view of it): no view of it may be used any more, by anyone. */
  give(view: Uint8Array): void {
    const memory = view.buffer;
    if (!(memory instanceof ArrayBuffer) || !this.#taken.delete(memory)) return;
    if (this.#keptBytes + memory.byteLength > this.#keepBytes) return;
    this.#keptBytes += memory.byteLength;
    const free = this.#free.get(memory.byteLength);
    if (free === undefined) this.#free.set(memory.byteLength, [memory]);
    else free.push(memory);
  }
}

/** The payloads of this process. */
export const payloadPool: BufferPool = new BufferPool(limits.poolBytes);
