/** Hands bytes from one who writes to one who reads, one piece at a time: backpressure both ways. */
export class Handoff implements AsyncIterable<Uint8Array> {
  /** What is there to be read, and who is told that it was. */
  #given: { readonly bytes: Uint8Array; readonly taken: () => void } | undefined;
  #lent: (() => void) | undefined;
  #waiting: PromiseWithResolvers<IteratorResult<Uint8Array>> | undefined;
  #ended = false;
  #failure: unknown;

  /** `taken` is called when the bytes are not needed any more, however that came. */
  give(bytes: Uint8Array, taken: () => void): void {
    if (this.#ended) taken();
    else {
      this.#given = { bytes, taken };
      this.#serve();
    }
  }

  /** Behind what was given comes nothing more. */
  end(): void {
    this.#ended = true;
    this.#serve();
  }

  /** The reader gets the failure instead of what it has not read yet. */
  fail(failure: unknown): void {
    this.#failure ??= failure;
    this.#given?.taken();
    this.#given = undefined;
    this.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: () => {
        this.#giveBack();
        this.#waiting = Promise.withResolvers();
        const { promise } = this.#waiting;
        promise.catch(() => undefined); // thrown when it is asked for
        this.#serve();
        return promise;
      },
      return: async () => {
        this.#ended = true;
        this.#giveBack();
        this.#given?.taken();
        this.#given = undefined;
        return { done: true, value: undefined };
      },
    };
  }

  #giveBack(): void {
    const lent = this.#lent;
    this.#lent = undefined;
    lent?.();
  }

  #serve(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    if (this.#given !== undefined) {
      const { bytes, taken } = this.#given;
      this.#given = undefined;
      this.#lent = taken;
      this.#waiting = undefined;
      waiting.resolve({ done: false, value: bytes });
    } else if (this.#ended) {
      this.#waiting = undefined;
      if (this.#failure === undefined) waiting.resolve({ done: true, value: undefined });
      else waiting.reject(this.#failure);
    }
  }
}
