/**
 * Rounds of random input, one seed each. A failure names its target and seed, and shows the input:
 * `npm run fuzz -- gateway --only TARGET --seconds 0 --seed SEED` replays it.
 */
import { S3Error } from "../../gateway/s3/errors.ts";
import { Chance } from "./chance.ts";

export interface Round {
  readonly chance: Chance;
  /** Keeps what is being tried, so that a failure can show it. */
  trying(input: unknown): void;
}

export interface Target {
  readonly name: string;
  /** Throws when anything is not as it must be; else says in a word how it went, for the counts. */
  run(round: Round): string | Promise<string>;
  /** To be called now and then, so that what a target has piled up does not count as a leak. */
  renew?(): Promise<void>;
  close?(): Promise<void>;
}

export interface Counts {
  rounds: number;
  readonly outcomes: Record<string, number>;
}

export class FuzzFailure extends Error {
  override readonly name = "FuzzFailure";
}

export function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

/** How it went: the code of a refusal, or what `run` says. Anything but an S3Error is a failure. */
export function outcomeOf(run: () => string): string {
  try {
    return run();
  } catch (error) {
    if (error instanceof S3Error && error.code !== "InternalError") return error.code;
    throw error;
  }
}

const SHOWN_CHARS = 20_000;

/** Bytes as latin1, and not for ever. */
function shown(input: unknown): string {
  const text = (value: unknown): unknown => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString("latin1");
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(text);
    return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, text(of)]));
  };
  return (JSON.stringify(text(input)) ?? "nothing").slice(0, SHOWN_CHARS);
}

/** One round of one target. */
export async function runRound(target: Target, seed: number, counts: Counts): Promise<void> {
  let input: unknown;
  try {
    const outcome = await target.run({
      chance: new Chance(seed),
      trying: (tried) => {
        input = tried;
      },
    });
    counts.rounds++;
    counts.outcomes[outcome] = (counts.outcomes[outcome] ?? 0) + 1;
  } catch (error) {
    throw new FuzzFailure(
      `${target.name} failed: ${String(error)}\n  input: ${shown(input)}\n  replay: npm run fuzz -- gateway --only ${target.name} --seconds 0 --seed ${seed}`,
      { cause: error },
    );
  }
}
