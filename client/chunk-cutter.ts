/**
 * Cuts a body into chunks, copying its bytes once into slots of the memory budget.
 *
 * A slot is not kept for long while others wait for one: a sender that is slow to fill a chunk
 * gets a shorter chunk. So a hundred slow senders cannot stop a fast one, and none waits for ever.
 */
import { type Clock, endsWithin } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { MemoryBudget, Slot } from "./memory-budget.ts";
import type { Body } from "./store.ts";

export class ChunkCutter {
  readonly #budget: MemoryBudget;
  readonly #clock: Clock;
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #announcedBytes: number | undefined;
  readonly #chunkBytes: number;
  #cutBytes = 0;
  /** What was read of the body and is not in a chunk yet. */
  #pending: Uint8Array | undefined;
  #reading: Promise<IteratorResult<Uint8Array>> | undefined;
  #ended = false;

  constructor(budget: MemoryBudget, clock: Clock, body: Body) {
    this.#budget = budget;
    this.#clock = clock;
    this.#source = body.bytes[Symbol.asyncIterator]();
    this.#announcedBytes = body.lengthBytes;
    this.#chunkBytes = Math.min(body.chunkBytes ?? limits.chunkBytes, limits.chunkBytes);
  }

  /**
   * The next chunk; the caller disposes it. Undefined at the end of the body.
   * Throws `InvalidArgument` when the body is not as long as announced.
   */
  async next(): Promise<Slot | undefined> {
    // The first bytes come before the slot: a sender that sends nothing holds no memory.
    if (!(await this.#fetch())) {
      if (this.#announcedBytes !== undefined && this.#cutBytes < this.#announcedBytes)
        throw this.#wrongLength(`ended after ${this.#cutBytes}`);
      return undefined;
    }
    const slot = await this.#budget.take(this.#wantedBytes());
    try {
      const used = await this.#fill(slot.buffer);
      this.#cutBytes += used;
      if (used === slot.buffer.length) return slot;
      return {
        buffer: slot.buffer.subarray(0, used),
        [Symbol.dispose]: () => slot[Symbol.dispose](),
      };
    } catch (error) {
      slot[Symbol.dispose]();
      throw error;
    }
  }

  /** Lets go of the body; one that was not read to its end is told so. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#source.return?.();
  }

  #wantedBytes(): number {
    if (this.#announcedBytes === undefined) return this.#chunkBytes;
    const left = this.#announcedBytes - this.#cutBytes;
    if (left <= 0) throw this.#wrongLength("goes on behind that");
    return Math.min(this.#chunkBytes, left);
  }

  #wrongLength(what: string): QuarryError {
    const announced = `a body of ${this.#announcedBytes} bytes was announced`;
    return new QuarryError("InvalidArgument", `${announced}, but it ${what}`);
  }

  async #fill(target: Buffer): Promise<number> {
    let used = 0;
    while (used < target.length) {
      if (used > 0 && (await this.#shouldCut())) break;
      if (!(await this.#fetch())) break;
      const view = this.#pending ?? target.subarray(0, 0);
      const count = Math.min(view.length, target.length - used);
      target.set(count === view.length ? view : view.subarray(0, count), used);
      used += count;
      this.#pending = count === view.length ? undefined : view.subarray(count);
    }
    return used;
  }

  /** Makes sure that bytes are pending; false at the end of the body. */
  async #fetch(): Promise<boolean> {
    while (this.#pending === undefined) {
      if (this.#ended) return false;
      this.#reading ??= this.#source.next();
      const result = await this.#reading;
      this.#reading = undefined;
      if (result.done === true) this.#ended = true;
      else if (result.value.length > 0) this.#pending = result.value;
    }
    return true;
  }

  /** Waits for bytes, but gives up when they are slow and another waits for the memory. */
  async #shouldCut(): Promise<boolean> {
    while (this.#pending === undefined && !this.#ended) {
      this.#reading ??= this.#source.next();
      if (await endsWithin(this.#clock, this.#reading, limits.slotHoldMs)) return false;
      if (this.#budget.contended) return true;
    }
    return false;
  }
}
