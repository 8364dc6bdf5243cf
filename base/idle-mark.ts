/**
 * When the mark of an idle file is written: none was synced for a moment, and nothing stands behind the
 * last mark but what is on the disk. The file writes it (append-file.ts); here is only when.
 */
import type { Clock, Timer } from "./clock.ts";

/** The mark is written after one to two of these without a sync. */
export const MARK_IDLE_MS = 5;

/** How the file stands when it is asked. */
export interface Standing {
  readonly writtenBytes: number;
  readonly syncedBytes: number;
  readonly isRunning: boolean;
  readonly hasFailed: boolean;
}

export interface IdleMarkOptions {
  readonly clock: Clock;
  readonly standing: () => Standing;
  readonly write: () => void;
  /** End of the file as it was opened: nothing of it needs a mark. */
  readonly tailBytes: number;
}

export class IdleMark {
  readonly #options: IdleMarkOptions;
  #timer: Timer | undefined;
  #endBytes: number;

  constructor(options: IdleMarkOptions) {
    this.#options = options;
    this.#endBytes = options.tailBytes;
  }

  /** End of the last mark. When nothing stands behind it, nothing needs a sync or another mark. */
  get endBytes(): number {
    return this.#endBytes;
  }

  isDue(): boolean {
    const { writtenBytes, syncedBytes, hasFailed } = this.#options.standing();
    return !hasFailed && this.#endBytes < writtenBytes && syncedBytes === writtenBytes;
  }

  /** Something was synced. */
  soon(): void {
    const { clock, standing, write } = this.#options;
    const { hasFailed, syncedBytes: before } = standing();
    if (hasFailed) return;
    this.#timer ??= clock.after(MARK_IDLE_MS, () => {
      this.#timer = undefined;
      const { syncedBytes, isRunning } = standing();
      if (!isRunning && syncedBytes === before && this.isDue()) write();
      else if (syncedBytes !== before) this.soon();
    });
  }

  written(endBytes: number): void {
    this.#endBytes = endBytes;
  }

  cancel(): void {
    this.#timer?.cancel();
  }
}
