/** What came of one simulation. */
import type { FaultName } from "./faults.ts";

export interface Report {
  readonly seed: number;
  readonly steps: number;
  readonly simulatedMs: number;
  readonly faults: Readonly<Record<FaultName, number>>;
  readonly acknowledged: number;
  readonly lost: number;
  /** Keys whose history no order explains; keys that could not be judged. */
  readonly wrong: number;
  readonly undecided: number;
  readonly reads: number;
  /** Objects of the users: put, read back and compared, copied; why they were told that it failed. */
  readonly stored: number;
  readonly fetched: number;
  readonly copied: number;
  /** Blocks that became stripes, of pieces, others again, or whole; reads that had something of them. */
  readonly stripes: Readonly<Record<"made" | "split" | "again" | "whole" | "read", number>>;
  readonly failures: Readonly<Record<string, number>>;
  readonly lists: number;
  readonly failovers: number;
  readonly messages: { readonly carried: number; readonly lost: number; readonly doubled: number };
  readonly latenciesMs: readonly number[];
  readonly violations: readonly string[];
  /** Equal for equal histories. */
  readonly fingerprint: number;
  /** The end of the history. */
  readonly lines: readonly string[];
}
