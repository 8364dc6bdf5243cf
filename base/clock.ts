/** Time enters here. Pure code takes a {@link Clock} or a time; only `base/` asks the machine. */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall time, milliseconds since 1970-01-01T00:00:00Z. May jump. */
  nowMs(): number;
  /** Monotonic time in milliseconds from an arbitrary start. Never goes back. */
  monotonicMs(): number;
  /** Calls `run` once after `delayMs`. The timer does not keep the process alive. */
  after(delayMs: number, run: () => void): Timer;
  /** Resolves when all that has arrived by now is looked at; where nothing arrives, absent. */
  endOfTurn?(): Promise<void>;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, run) {
    const handle = setTimeout(run, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
  endOfTurn: () => new Promise((resolve) => setImmediate(resolve)),
};

/** Resolves after `delayMs` of the given clock, or at once when `signal` is aborted. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      timer.cancel();
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const timer = clock.after(delayMs, finish);
    signal?.addEventListener("abort", finish);
  });
}

/** Resolves after `delayMs` and keeps the process alive until then: for programs that wait for nothing else. */
export function stayAwake(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
}

/** Whether `running` ends within `delayMs`; rejects if it does so by then. */
export function endsWithin(
  clock: Clock,
  running: Promise<unknown>,
  delayMs: number,
): Promise<boolean> {
  // Every PUT asks this: one promise and no race, which would make five.
  return new Promise((resolve, reject) => {
    const timer = clock.after(delayMs, () => resolve(false));
    running.then(
      () => {
        timer.cancel();
        resolve(true);
      },
      (error: unknown) => {
        timer.cancel();
        reject(error);
      },
    );
  });
}
