/** Chance that a seed replays, cheap enough for millions of throws. */

export class Dice {
  #mix: number;

  constructor(seed: number) {
    this.#mix = (seed * 0x9e3779b9) >>> 0;
  }

  /** 0 … 2^32-1. */
  u32(): number {
    this.#mix = (this.#mix + 0x9e3779b9) >>> 0;
    let z = this.#mix;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  }

  /** `from` … `to`, whole. */
  between(from: number, to: number): number {
    return from + (this.u32() % (to - from + 1));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.u32() < probability * 2 ** 32;
  }

  pick<Item>(items: readonly Item[]): Item | undefined {
    return items[this.between(0, Math.max(0, items.length - 1))];
  }
}
