/**
 * When the index file of a block is written: one write after the other, only what is not there yet, and
 * never again once another block stands in this one's place.
 */
export class Checkpoints {
  readonly #write: () => Promise<void>;
  /** The one on disk does not say all. */
  #isDue = false;
  #saving: Promise<void> = Promise.resolve();
  #isGone = false;

  constructor(write: () => Promise<void>) {
    this.#write = write;
  }

  /** Something changed that a checkpoint tells. */
  changed(): void {
    this.#isDue = true;
  }

  async save(): Promise<void> {
    const saving = this.#saving.then(() => this.#save());
    this.#saving = saving.catch(() => undefined); // told below; the next one tries anew
    await saving;
  }

  /**
   * For what puts another block in the place of this one, or none: it writes the same file. Who wants to
   * save meanwhile waits, and saves nothing when it has succeeded.
   */
  async giveWay(replace: () => Promise<void>): Promise<void> {
    const replacing = this.#saving.then(replace);
    this.#saving = replacing.then(
      () => {
        this.#isGone = true;
      },
      () => {
        this.#isDue = true; // the other one may have left its own
      },
    );
    await replacing;
  }

  async #save(): Promise<void> {
    if (!this.#isDue || this.#isGone) return;
    this.#isDue = false;
    try {
      await this.#write();
    } catch (error) {
      this.#isDue = true;
      throw error;
    }
  }
}
