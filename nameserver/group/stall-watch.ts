/**
 * Notices a write that does not end: a disk that hangs says nothing, and what waits for it waits for
 * ever. The time is counted in looks, so that a process that stood still does not blame its disk.
 */
import type { Clock, Timer } from "../../base/clock.ts";
import { limits } from "../../base/limits.ts";

const LOOKS = 3;

export interface StallWatchOptions {
  readonly clock: Clock;
  /** The write under way takes too long; told with every look from then on. */
  readonly onStalled: () => void;
  /** It came to an end after all. */
  readonly onOver: () => void;
}

export class StallWatch {
  readonly #options: StallWatchOptions;

  constructor(options: StallWatchOptions) {
    this.#options = options;
  }

  async during(write: () => Promise<void>): Promise<void> {
    const { clock, onStalled, onOver } = this.#options;
    let looks = 0;
    let isStalled = false;
    let timer: Timer;
    const lookLater = () => {
      timer = clock.after(limits.groupStallMs / LOOKS, () => {
        looks++;
        if (looks >= LOOKS) {
          isStalled = true;
          onStalled();
        }
        lookLater();
      });
      return timer;
    };
    timer = lookLater();
    try {
      await write();
    } finally {
      timer.cancel();
      if (isStalled) onOver();
    }
  }
}
