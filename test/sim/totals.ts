/** The counts of many simulations as one object. */
import type { Report } from "./report.ts";

const HOUR_MS = 3_600_000;
const nothing = {
  acknowledged: 0,
  lost: 0,
  wrong: 0,
  undecided: 0,
  reads: 0,
  lists: 0,
  stored: 0,
  fetched: 0,
  copied: 0,
  failovers: 0,
};
const summed = Object.keys(nothing) as (keyof typeof nothing)[];

export class Totals {
  #seeds = 0;
  #simulatedMs = 0;
  #steps = 0;
  readonly #faults: Record<string, number> = {};
  readonly #failures: Record<string, number> = {};
  readonly #sums = { ...nothing };
  readonly #messages = { carried: 0, lost: 0, doubled: 0 };
  readonly #stripes = { made: 0, split: 0, again: 0, whole: 0, read: 0 };
  #stripedSeeds = 0;
  #violations = 0;
  readonly #failed: number[] = [];
  readonly #latenciesMs: number[] = [];

  get isWrong(): boolean {
    return this.#violations > 0;
  }

  add(report: Report): void {
    this.#seeds++;
    this.#steps += report.steps;
    this.#simulatedMs += report.simulatedMs;
    this.#violations += report.violations.length;
    if (report.violations.length > 0) this.#failed.push(report.seed);
    for (const [name, count] of Object.entries(report.faults))
      this.#faults[name] = (this.#faults[name] ?? 0) + count;
    for (const [code, count] of Object.entries(report.failures))
      this.#failures[code] = (this.#failures[code] ?? 0) + count;
    for (const name of summed) this.#sums[name] += report[name];
    for (const name of ["carried", "lost", "doubled"] as const)
      this.#messages[name] += report.messages[name];
    for (const name of ["made", "split", "again", "whole", "read"] as const)
      this.#stripes[name] += report.stripes[name];
    if (report.stripes.made > 0) this.#stripedSeeds++;
    for (const ms of report.latenciesMs) this.#latenciesMs.push(ms);
  }

  summary(): object {
    const sorted = this.#latenciesMs.toSorted((a, b) => a - b);
    const at = (share: number) =>
      Math.round((sorted[Math.floor(share * (sorted.length - 1))] ?? 0) * 10) / 10;
    return {
      seeds: this.#seeds,
      steps: this.#steps,
      simulatedHours: Math.round((this.#simulatedMs / HOUR_MS) * 1_000) / 1_000,
      faults: this.#faults,
      messages: this.#messages,
      ...this.#sums,
      stripes: { seeds: this.#stripedSeeds, ...this.#stripes },
      failures: this.#failures,
      violations: this.#violations,
      failed: this.#failed,
      latencyMs: { p50: at(0.5), p99: at(0.99), max: at(1) },
    };
  }
}
