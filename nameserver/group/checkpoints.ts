/** Makes the state durable, so that the log can be cut, after so much of the log was applied. */
export class Checkpoints {
  readonly #everyBytes: number;
  readonly #checkpoint: () => Promise<void>;
  readonly #onFailure: (error: unknown) => void;
  #bytes = 0;
  #running: Promise<void> | undefined;

  constructor(
    everyBytes: number,
    checkpoint: () => Promise<void>,
    onFailure: (error: unknown) => void,
  ) {
    this.#everyBytes = everyBytes;
    this.#checkpoint = checkpoint;
    this.#onFailure = onFailure;
  }

  /** What was replayed at a start counts too: short lives must not add up to a long start. */
  applied(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < this.#everyBytes || this.#running !== undefined) return;
    this.#bytes = 0;
    this.#running = this.#checkpoint()
      .catch(this.#onFailure)
      .finally(() => {
        this.#running = undefined;
      });
  }

  async idle(): Promise<void> {
    await this.#running;
  }
}
