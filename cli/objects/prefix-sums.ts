/** Sums by prefix over keys in their order: a prefix is told when the keys have left it. */

export interface PrefixSum {
  readonly prefix: string;
  bytes: number;
  objects: number;
}

export class PrefixSums {
  readonly #base: string;
  readonly #maxDepth: number;
  readonly #tell: (sum: PrefixSum) => void;
  /** The prefixes that the last key is in, outermost first. */
  readonly #open: PrefixSum[];

  constructor(base: string, maxDepth: number, tell: (sum: PrefixSum) => void) {
    this.#base = base;
    this.#maxDepth = maxDepth;
    this.#tell = tell;
    this.#open = [{ prefix: base, bytes: 0, objects: 0 }];
  }

  add(key: string, bytes: number): void {
    this.#leave((prefix) => !key.startsWith(prefix));
    let at = this.#open.at(-1)?.prefix.length ?? 0;
    while (this.#open.length <= this.#maxDepth) {
      // A base like `s3://b/pre` stands for `pre` and `prefix/…` alike; levels begin below it.
      const slash = key.indexOf("/", at === 0 ? 0 : at);
      if (slash < 0) break;
      at = slash + 1;
      if (at > this.#base.length)
        this.#open.push({ prefix: key.slice(0, at), bytes: 0, objects: 0 });
    }
    for (const sum of this.#open) {
      sum.bytes += bytes;
      sum.objects++;
    }
  }

  end(): void {
    while (this.#open.length > 0) this.#tellLast();
  }

  #leave(isLeft: (prefix: string) => boolean): void {
    while (this.#open.length > 1 && isLeft(this.#open.at(-1)?.prefix ?? "")) this.#tellLast();
  }

  #tellLast(): void {
    const last = this.#open.pop();
    if (last !== undefined) this.#tell(last);
  }
}
