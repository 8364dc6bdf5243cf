/** Memory that transfers share: who wants more than is left waits, in order. */

export class ByteBudget {
  #freeBytes: number;
  readonly #totalBytes: number;
  readonly #waiting: { readonly bytes: number; readonly go: () => void }[] = [];

  constructor(totalBytes: number) {
    this.#totalBytes = totalBytes;
    this.#freeBytes = totalBytes;
  }

  /** More than the whole budget counts as the whole. Dispose to give back. */
  async take(wantedBytes: number): Promise<Disposable> {
    const bytes = Math.min(wantedBytes, this.#totalBytes);
    if (this.#waiting.length > 0 || bytes > this.#freeBytes)
      await new Promise<void>((go) => this.#waiting.push({ bytes, go }));
    else this.#freeBytes -= bytes;
    return { [Symbol.dispose]: () => this.#giveBack(bytes) };
  }

  #giveBack(bytes: number): void {
    this.#freeBytes += bytes;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (first.bytes > this.#freeBytes) return;
      this.#waiting.shift();
      this.#freeBytes -= first.bytes;
      first.go();
    }
  }
}
