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

/** What a buffer of this length takes. */
export function roomFor(lengthBytes: number): number {
  if (lengthBytes < LEAST_BYTES) return lengthBytes;
  const stepBytes = lengthBytes < STEP_BYTES / 2 ? SMALL_STEP_BYTES : STEP_BYTES;
  return Math.ceil(lengthBytes / stepBytes) * stepBytes;
}

/** Memory of one kind: that of one thread, or what threads share. */
type Memory = ArrayBuffer | SharedArrayBuffer;

/** Free buffers of one size. */
interface Shelf {
  readonly free: Memory[];
  /** When one of this size was last asked for, in calls. */
  asked: number;
}

export class BufferPool {
  readonly #shelves = new Map<number, Shelf>();
  readonly #taken = new WeakSet<ArrayBufferLike>();
  readonly #keepBytes: number;
  readonly #sharedBytes: number;
  #keptBytes = 0;
  #calls = 0;

  /**
   * Buffers of `sharedBytes` and more are of memory that other threads can look at. V8 does not count
   * such memory and so looks for none to free: what was made of it is kept for good, of one size best.
   */
  constructor(keepBytes: number, sharedBytes = Number.POSITIVE_INFINITY) {
    this.#keepBytes = keepBytes;
    this.#sharedBytes = sharedBytes;
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
    memory ??=
      roomBytes >= this.#sharedBytes
        ? new SharedArrayBuffer(roomBytes)
        : Buffer.allocUnsafeSlow(roomBytes).buffer;
    this.#taken.add(memory);
    return bufferOf(memory, lengthBytes);
  }

  /** Takes back a buffer (or any view of it): no view of it may be used any more, by anyone. */
  give(view: Uint8Array): void {
    const memory = view.buffer;
    if (!this.#taken.delete(memory)) return;
    if (memory.byteLength > this.#keepBytes) return;
    this.keepAtMost(this.#keepBytes - memory.byteLength);
    this.#keptBytes += memory.byteLength;
    this.#shelf(memory.byteLength).free.push(memory);
  }

  /** Leaves some of what is kept to the garbage collector, so that no more than this is. */
  keepAtMost(bytes: number): void {
    while (this.#keptBytes > bytes) if (!this.#dropOne()) return;
  }

  #shelf(roomBytes: number): Shelf {
    const known = this.#shelves.get(roomBytes);
    if (known !== undefined) return known;
    const shelf = { free: [], asked: 0 };
    this.#shelves.set(roomBytes, shelf);
    return shelf;
  }

  /** One of the size that nobody has asked for the longest; false when there is none to drop. */
  #dropOne(): boolean {
    let oldest: Shelf | undefined;
    for (const [roomBytes, shelf] of this.#shelves)
      if (
        roomBytes < this.#sharedBytes &&
        shelf.free.length > 0 &&
        shelf.asked < (oldest?.asked ?? Number.POSITIVE_INFINITY)
      )
        oldest = shelf;
    const dropped = oldest?.free.pop();
    this.#keptBytes -= dropped?.byteLength ?? 0;
    return dropped !== undefined;
  }
}

const bufferOf = (memory: Memory, lengthBytes: number): Buffer =>
  memory instanceof ArrayBuffer
    ? Buffer.from(memory, 0, lengthBytes)
    : Buffer.from(memory, 0, lengthBytes);

/** The payloads of this process. */
export const payloadPool: BufferPool = new BufferPool(limits.poolBytes);
