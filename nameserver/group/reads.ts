/** Reads that begin in one tick share one confirmation. */
import type { Waiting } from "./waiting.ts";

export class Reads {
  readonly #waiting: Waiting;
  readonly #ask: (id: number) => void;
  #next: Promise<void> | undefined;

  /** `ask` begins the confirmation of a read of this number; it may throw instead. */
  constructor(waiting: Waiting, ask: (id: number) => void) {
    this.#waiting = waiting;
    this.#ask = ask;
  }

  /** Resolves when all that was acknowledged before the call can be read. */
  next(): Promise<void> {
    this.#next ??= this.#read();
    return this.#next;
  }

  async #read(): Promise<void> {
    await Promise.resolve();
    this.#next = undefined;
    const { id, confirmed } = this.#waiting.read();
    this.#ask(id);
    await confirmed;
  }
}
