/** Counts by number without an object for each: ids are leased in runs, so they stand close together. */

const RUN = 4096;

export class CountById {
  readonly #runs = new Map<number, Uint32Array>();

  add(id: number): void {
    const run = Math.floor(id / RUN);
    let counts = this.#runs.get(run);
    if (counts === undefined) {
      counts = new Uint32Array(RUN);
      this.#runs.set(run, counts);
    }
    const at = id % RUN;
    counts[at] = (counts[at] ?? 0) + 1;
  }

  /** The count, which is 0 from here on. */
  take(id: number): number {
    const counts = this.#runs.get(Math.floor(id / RUN));
    const count = counts?.[id % RUN] ?? 0;
    if (counts !== undefined) counts[id % RUN] = 0;
    return count;
  }

  /** Ids whose count was not taken. */
  *left(): Generator<number> {
    for (const [run, counts] of this.#runs)
      for (let at = 0; at < RUN; at++) if ((counts[at] ?? 0) > 0) yield run * RUN + at;
  }
}
