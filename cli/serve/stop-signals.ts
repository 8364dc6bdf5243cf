/** When `quarry serve` is asked to end: the first Ctrl-C drains, a second one does not wait. */
import { type Clock, systemClock } from "../../base/clock.ts";

/**
 * One Ctrl-C reaches the server more than once: the terminal sends it to the whole group, and npm
 * and `bin.mjs` pass on what they got. So close together it is one.
 */
const SAME_PRESS_MS = 1000;

interface Signals {
  on(signal: "SIGINT" | "SIGTERM", listener: () => void): unknown;
}

/** Resolves at the first INT or TERM; `endAtOnce` is called at a later one. */
export function askedToStop(
  endAtOnce: () => void,
  signals: Signals = process,
  clock: Clock = systemClock,
): Promise<undefined> {
  return new Promise((resolve) => {
    let firstMs: number | undefined;
    const ask = () => {
      const nowMs = clock.monotonicMs();
      firstMs ??= nowMs;
      if (nowMs - firstMs > SAME_PRESS_MS) endAtOnce();
      resolve(undefined);
    };
    signals.on("SIGINT", ask);
    signals.on("SIGTERM", ask);
  });
}
