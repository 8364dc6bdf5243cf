/** Every current version that is a stream is found by its filename, and nothing else is. */
import { streamKey } from "../apply/stream-index.ts";
import { type Key, KeyReader, nameOf } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import type { NameRow } from "../rows.ts";
import type { StateReads } from "../state-store.ts";

export class StreamTally {
  readonly #state: StateReads;
  readonly #problem: (text: string) => void;
  #found = 0;
  #rows = 0;

  constructor(state: StateReads, problem: (text: string) => void) {
    this.#state = state;
    this.#problem = problem;
  }

  stream(): void {
    this.#rows++;
  }

  current(key: Key, row: NameRow): void {
    const bucket = new KeyReader(key).u56();
    const at = streamKey(bucket, row);
    if (at === undefined) return;
    const name = nameOf(key);
    if (read(this.#state, at)?.key === name) this.#found++;
    else
      this.#problem(
        `bucket ${bucket}, ${JSON.stringify(name)}: the stream is not found by its filename`,
      );
  }

  check(): void {
    if (this.#rows !== this.#found)
      this.#problem(
        `${this.#rows} streams are found by a filename, and ${this.#found} of them exist`,
      );
  }
}
