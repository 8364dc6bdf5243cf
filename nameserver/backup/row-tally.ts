/** Counts the rows of a state that comes as a stream, and whether they are those that it says it has. */
import { QuarryError } from "../../base/errors.ts";
import type { StateHead } from "../../raft/entry.ts";
import { type Digest, moveDigest } from "../row-codec.ts";
import { digestOf, headOf, isHeadKey } from "../state-machine.ts";
import type { Change } from "../state-store.ts";

export class RowTally {
  rows = 0;
  #digest: Digest = { a: 0, b: 0 };
  #head: Buffer | undefined;

  add(rows: readonly Change[]): void {
    for (const { key, value } of rows) {
      this.rows++;
      if (!isHeadKey(key)) this.#digest = moveDigest(this.#digest, undefined, value);
      else if (value !== undefined) this.#head = Buffer.from(value);
    }
  }

  /**
   * What the state contains, once all its rows are there.
   * @throws QuarryError `Damaged` when they are not the rows that its head tells of.
   */
  check(): { readonly head: StateHead; readonly digest: Digest } {
    const stored = { get: () => this.#head };
    const head = headOf(stored);
    const stated = digestOf(stored);
    if (head === undefined) throw new QuarryError("Damaged", "the state has lost its head row");
    if (stated.a !== this.#digest.a || stated.b !== this.#digest.b)
      throw new QuarryError(
        "Damaged",
        `the state of entry ${head.index} lacks rows, or has others: its digest is not the stated one`,
      );
    return { head, digest: stated };
  }
}

export function digestText({ a, b }: Digest): string {
  return [a, b].map((half) => half.toString(16).padStart(8, "0")).join("-");
}
