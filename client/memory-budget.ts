/**
 * The memory that one process gives to bytes in flight. Whoever wants to hold bytes takes a slot
 * first and waits its turn when all are taken, so that memory stays bounded whatever clients do.
 * Buffers are kept and used again, as far as the budget goes: fresh ones cost a page fault for every
 * 4 KiB. Whole chunks are of memory that other threads can look at, and stay for good: when all of the budget
 * went to such chunks once and goes to small slots later, the process has twice of it.
 */
import { BufferPool, roomFor } from "../base/buffer-pool.ts";
import { assert, QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";

export interface Slot extends Disposable {
  readonly buffer: Buffer;
}

interface Waiting {
  readonly bytes: number;
  readonly grant: () => void;
}

export class MemoryBudget {
  readonly #bufferBytes: number;
  #freeBytes: number;
  readonly #waiting: Waiting[] = [];
  readonly #buffers: BufferPool;

  constructor(totalBytes: number = limits.uploadBytes, bufferBytes: number = limits.chunkBytes) {
    assert(totalBytes >= bufferBytes, "the budget holds at least one chunk");
    this.#freeBytes = totalBytes;
    this.#bufferBytes = bufferBytes;
    this.#buffers = new BufferPool(totalBytes, bufferBytes);
  }

  /** True while someone waits: holders should hand back what they can. */
  get contended(): boolean {
    return this.#waiting.length > 0;
  }

  /** A buffer of exactly `bytes` (at most a chunk), in order of asking. Dispose it to give it back. */
  async take(bytes: number): Promise<Slot> {
    assert(bytes <= this.#bufferBytes, "a slot is at most a chunk");
    const roomBytes = Math.min(roomFor(bytes), this.#bufferBytes);
    await this.#claim(roomBytes);
    const buffer = this.#buffers.take(bytes);
    this.#buffers.keepAtMost(this.#freeBytes);
    let held = true;
    return {
      buffer,
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        this.#buffers.give(buffer);
        this.#giveBack(roomBytes);
      },
    };
  }

  /** Room without a buffer, in order of asking. */
  async reserve(bytes: number): Promise<Disposable> {
    await this.#claim(bytes);
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#giveBack(bytes);
        held = false;
      },
    };
  }

  /** Room without a buffer, if there is some now and nobody waits. */
  tryReserve(bytes: number): Disposable | undefined {
    if (this.#waiting.length > 0 || bytes > this.#freeBytes) return undefined;
    this.#freeBytes -= bytes;
    return { [Symbol.dispose]: () => this.#giveBack(bytes) };
  }

  async #claim(bytes: number): Promise<void> {
    if (this.#waiting.length === 0 && bytes <= this.#freeBytes) {
      this.#freeBytes -= bytes;
      return;
    }
    if (this.#waiting.length >= limits.requests)
      throw new QuarryError("Busy", "too many requests wait for memory; try again later");
    await new Promise<void>((grant) => this.#waiting.push({ bytes, grant }));
  }

  #giveBack(bytes: number): void {
    this.#freeBytes += bytes;
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined || next.bytes > this.#freeBytes) return;
      this.#waiting.shift();
      this.#freeBytes -= next.bytes;
      next.grant();
    }
  }
}
