/** Calls that a test holds, and time that it lets pass. */
import type { Clock } from "../base/clock.ts";
import type { AppendReply, BlockService } from "../rpc/block-service.ts";
import { memoryBlocks } from "./rpc-pair.ts";

/** Time that passes when the test says so. */
export class ManualClock implements Clock {
  #nowMs = 1000;
  readonly #timers = new Set<{ atMs: number; run: () => void }>();
  nowMs = () => this.#nowMs;
  monotonicMs = () => this.#nowMs;
  after(delayMs: number, run: () => void) {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }
  advance(ms: number): void {
    this.#nowMs += ms;
    for (const timer of this.#timers)
      if (timer.atMs <= this.#nowMs && this.#timers.delete(timer)) timer.run();
  }
}

/** Appends that stay unanswered until `answer`; `arrived` resolves when so many are there. */
export function heldBlocks() {
  const waiting: (() => void)[] = [];
  const watchers: { count: number; resolve: () => void }[] = [];
  const blocks: BlockService = {
    ...memoryBlocks(),
    append: () =>
      new Promise<AppendReply>((resolve) => {
        waiting.push(() => resolve({ kind: "stored" }));
        for (const w of watchers) if (waiting.length >= w.count) w.resolve();
      }),
  };
  return {
    blocks,
    answer: () => {
      for (const go of waiting.splice(0)) go();
    },
    arrived: (count: number) =>
      new Promise<void>((resolve) => {
        if (waiting.length >= count) resolve();
        else watchers.push({ count, resolve });
      }),
  };
}

/** Turns of the event loop, until `done`; a defect makes the test time out. */
export async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
}
