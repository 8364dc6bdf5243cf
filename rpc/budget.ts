/** A number of bytes that many may hold together. Who finds too little waits in line. */
import { assert } from "../base/errors.ts";

export interface BudgetWaiter {
  readonly bytes: number;
  readonly granted: () => void;
}

export class Budget {
  readonly #maxBytes: number;
  #heldBytes = 0;
  readonly #line = new Set<BudgetWaiter>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Takes `bytes` if they are free and nobody waits. */
  tryTake(bytes: number): boolean {
    if (this.#line.size > 0 || this.#heldBytes + bytes > this.#maxBytes) return false;
    this.#heldBytes += bytes;
    return true;
  }

  /**
   * Takes the waiter's bytes and calls `granted`, at once or when its turn comes. The line is as
   * long as callers make it: they have a maximum of their own (streams of a connection).
   */
  take(waiter: BudgetWaiter): void {
    assert(waiter.bytes <= this.#maxBytes, "no one asks for more than the whole budget");
    this.#line.add(waiter);
    this.#serve();
  }

  /** Leaves the line. False: it was served already and holds its bytes. */
  leave(waiter: BudgetWaiter): boolean {
    const left = this.#line.delete(waiter);
    if (left) this.#serve();
    return left;
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes;
    assert(this.#heldBytes >= 0, "what is released was taken");
    this.#serve();
  }

  #serve(): void {
    for (const waiter of this.#line) {
      if (this.#heldBytes + waiter.bytes > this.#maxBytes) return;
      this.#line.delete(waiter);
      this.#heldBytes += waiter.bytes;
      waiter.granted();
    }
  }
}
