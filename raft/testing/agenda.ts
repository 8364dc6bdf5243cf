/** Simulated time: what is due next happens next; of two at one time, the one planned first. */

interface Planned {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class Agenda {
  nowMs = 0;
  #order = 0;
  /** A heap: the first is due first. */
  readonly #heap: Planned[] = [];

  after(delayMs: number, run: () => void): void {
    const heap = this.#heap;
    heap.push({ atMs: this.nowMs + delayMs, order: this.#order++, run });
    for (let i = heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!this.#swapIfEarlier(i, parent)) break;
      i = parent;
    }
  }

  /** Lets the next thing happen; false when nothing is planned before `untilMs`. */
  next(untilMs: number): boolean {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.atMs > untilMs) {
      this.nowMs = untilMs;
      return false;
    }
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) {
      heap[0] = last;
      this.#sink();
    }
    this.nowMs = first.atMs;
    first.run();
    return true;
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
