/**
 * Large buffers that are used again. Fresh ones cost several times the copy into them: the system
 * hands them out page by page, and each 64 MiB of them makes V8 look for garbage.
 *
 * Who finishes with a buffer may give it back; who does not leaves it to the garbage collector.
 * Giving what the pool did not hand out does nothing, so a payload can be given back without
 * knowing where it came from.
 */
import { assert } from "./errors.ts";
import { limits } from "./limits.ts";

/** Sizes are multiples of this; smaller buffers are not pooled. */
const STEP_BYTES = 128 * 1024;

export class BufferPool {
  /** Free buffers by their size in steps. */
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
    if (lengthBytes < STEP_BYTES / 2) return Buffer.allocUnsafe(lengthBytes);
    const steps = Math.ceil(lengthBytes / STEP_BYTES);
    let memory = this.#free.get(steps)?.pop();
    if (memory !== undefined) this.#keptBytes -= memory.byteLength;
    memory ??= Buffer.allocUnsafeSlow(steps * STEP_BYTES).buffer;
    this.#taken.add(memory);
    return Buffer.from(memory, 0, lengthBytes);
  }

  /** Takes back a buffer (or any view of it): no view of it may be used any more, by anyone. */
  give(view: Uint8Array): void {
    const memory = view.buffer;
    if (!(memory instanceof ArrayBuffer) || !this.#taken.delete(memory)) return;
    if (this.#keptBytes + memory.byteLength > this.#keepBytes) return;
    this.#keptBytes += memory.byteLength;
    const steps = memory.byteLength / STEP_BYTES;
    const free = this.#free.get(steps);
    if (free === undefined) this.#free.set(steps, [memory]);
    else free.push(memory);
  }
}

/** The payloads of this process. */
export const payloadPool: BufferPool = new BufferPool(limits.poolBytes);
