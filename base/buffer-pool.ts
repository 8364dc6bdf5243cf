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

/** Free buffers of one size. */
interface Shelf {
  readonly free: ArrayBuffer[];
  /** When one of this size was last asked for, in calls. */
  asked: number;
}

export class BufferPool {
  readonly #shelves = new Map<number, Shelf>();
  readonly #taken = new WeakSet<ArrayBufferLike>();
  readonly #keepBytes: number;
  #keptBytes = 0;
  #calls = 0;

  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes;
  }

  /** A buffer of this length, with anything in it. */
  take(lengthBytes: number): Buffer {
    assert(lengthBytes >= 0, "a length is not negative");
    if (lengthBytes < LEAST_BYTES) return Buffer.allocUnsafe(lengthBytes);
    const roomBytes = roomFor(lengthBytes);
    const shelf = this.#shelf(roomBytes);
    shelf.asked = ++this.#calls;
    let memory = shelf.free.pop();
    if (memory !== undefined) this.#keptBytes -= memory.byteLength;
    memory ??= Buffer.allocUnsafeSlow(roomBytes).buffer;
    this.#taken.add(memory);
    return Buffer.from(memory, 0, lengthBytes);
  }

  /** Takes back a buffer (or any view of it): no view of it may be used any more, by anyone. */
  give(view: Uint8Array): void {
    const memory = view.buffer;
    if (!(memory instanceof ArrayBuffer) || !this.#taken.delete(memory)) return;
    if (memory.byteLength > this.#keepBytes) return;
    while (this.#keptBytes + memory.byteLength > this.#keepBytes) this.#dropOne();
    this.#keptBytes += memory.byteLength;
    this.#shelf(memory.byteLength).free.push(memory);
  }

  #shelf(roomBytes: number): Shelf {
    const known = this.#shelves.get(roomBytes);
    if (known !== undefined) return known;
    const shelf = { free: [], asked: 0 };
    this.#shelves.set(roomBytes, shelf);
    return shelf;
  }

  /** One of the size that nobody has asked for the longest. */
  #dropOne(): void {
    let oldest: Shelf | undefined;
    for (const shelf of this.#shelves.values())
      if (shelf.free.length > 0 && shelf.asked < (oldest?.asked ?? Number.POSITIVE_INFINITY))
        oldest = shelf;
    this.#keptBytes -= oldest?.free.pop()?.byteLength ?? 0;
  }
}

/** The payloads of this process. */
export const payloadPool: BufferPool = new BufferPool(limits.poolBytes);
