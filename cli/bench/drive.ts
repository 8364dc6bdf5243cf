/** Runs operations over lanes for a time, and takes down how long each took. */
import { systemClock } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { explain } from "../explain.ts";
import type { Client, Lane } from "./request.ts";
import type { Work } from "./workload.ts";

export interface Span {
  /** The first operation's number. */
  readonly from: number;
  /** Operations with numbers below this are run, as far as the time goes. */
  readonly to: number;
  readonly milliseconds: number;
}

export interface Driven {
  readonly latenciesMs: readonly number[];
  readonly bytes: number;
  readonly keys: number;
  readonly failures: number;
  readonly firstFailure: string | undefined;
  readonly elapsedMs: number;
  /** The number of the next operation. */
  readonly next: number;
}

export type Drive = (work: Work, span: Span) => Promise<Driven>;

/** A failed operation is counted and the next one begun; too many end it all. */
export class Failures {
  count = 0;
  first: string | undefined;

  note(error: unknown): void {
    this.count++;
    this.first ??= explain(error);
    if (this.count > limits.benchFailures)
      throw new QuarryError("Unavailable", `too many operations fail; the first: ${this.first}`);
  }
}

export async function openLanes(client: Client, count: number): Promise<Lane[]> {
  return await Promise.all(Array.from({ length: count }, () => client.lane()));
}

export function laneDrive(lanes: readonly Lane[]): Drive {
  return async (work, span) => {
    const latenciesMs: number[] = [];
    const failures = new Failures();
    const sum = { bytes: 0, keys: 0, next: span.from };
    const startMs = systemClock.monotonicMs();
    const endMs = startMs + span.milliseconds;
    const along = async (lane: Lane) => {
      for (;;) {
        const sentMs = systemClock.monotonicMs();
        if (sentMs >= endMs || sum.next >= span.to) return;
        try {
          const moved = await work.run(lane, sum.next++);
          sum.bytes += moved.bytes;
          sum.keys += moved.keys;
          latenciesMs.push(systemClock.monotonicMs() - sentMs);
        } catch (error) {
          failures.note(error);
        }
      }
    };
    await inTime(Promise.all(lanes.map(along)), span.milliseconds);
    const elapsedMs = systemClock.monotonicMs() - startMs;
    return {
      latenciesMs,
      elapsedMs,
      ...sum,
      failures: failures.count,
      firstFailure: failures.first,
    };
  };
}

/** The time of a span is over when its last operations are answered: they have a minute for that. */
export async function inTime<T>(running: Promise<T>, milliseconds: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = systemClock.after(milliseconds + limits.benchAnswerMs, () =>
    late.reject(new QuarryError("Unavailable", "the store does not answer any more")),
  );
  try {
    return await Promise.race([running, late.promise]);
  } finally {
    timer.cancel();
  }
}
