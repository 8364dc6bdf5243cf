/** Simulated time: what is due next happens next; of two at one time, the one planned first. */

interface Planned {
  readonly atMs: number;
  readonly order: number;
  /** Undefined once it was called off. */
  run: (() => void) | undefined;
}

export class Agenda {
  nowMs = 0;
  #order = 0;
  /** A heap: the first is due first. */
  readonly #heap: Planned[] = [];

  after(delayMs: number, run: () => void): { cancel(): void } {
    const heap = this.#heap;
    const planned: Planned = { atMs: this.nowMs + delayMs, order: this.#order++, run };
    heap.push(planned);
    for (let i = heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!this.#swapIfEarlier(i, parent)) break;
      i = parent;
    }
    return {
      cancel: () => {
        planned.run = undefined;
      },
    };
  }

  /** Lets the next thing happen; false when nothing is planned before `untilMs`. */
  next(untilMs: number): boolean {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.run !== undefined && first.atMs > untilMs) break;
      this.#dropFirst();
      if (first.run === undefined) continue;
      this.nowMs = first.atMs;
      first.run();
      return true;
    }
    this.nowMs = untilMs;
    return false;
  }

  #dropFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    this.#sink();
  }

  #sink(): void {
    for (let i = 0; ; ) {
      const left = 2 * i + 1;
      const child = this.#isEarlier(left + 1, left) ? left + 1 : left;
      if (!this.#swapIfEarlier(child, i)) return;
      i = child;
    }
  }

  #swapIfEarlier(i: number, than: number): boolean {
    const [a, b] = [this.#heap[i], this.#heap[than]];
    if (a === undefined || b === undefined || !this.#isEarlier(i, than)) return false;
    this.#heap[i] = b;
    this.#heap[than] = a;
    return true;
  }

  #isEarlier(i: number, than: number): boolean {
    const [a, b] = [this.#heap[i], this.#heap[than]];
    if (a === undefined || b === undefined) return false;
    return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
  }
}
