/** Begins the next ones while one is worked on, as long as what is on its way is little. */

/** What is begun; its memory is given free by `drop`. */
export interface Begun<T> {
  readonly bytes: number;
  readonly coming: Promise<T>;
}

/**
 * Yields what `items` make in their order. Whoever stops early, or is told of a failure, leaves
 * nothing behind: what comes after is dropped.
 */
export async function* ahead<T>(
  items: Iterator<Begun<T>>,
  mostBytes: number,
  drop: (made: T) => void,
): AsyncGenerator<T> {
  const begun: Begun<T>[] = [];
  let bytes = 0;
  const begin = () => {
    while (begun.length === 0 || bytes < mostBytes) {
      const next = items.next();
      if (next.done === true) return;
      next.value.coming.catch(() => undefined); // told when its turn comes
      begun.push(next.value);
      bytes += next.value.bytes;
    }
  };
  try {
    for (begin(); begun.length > 0; begin()) {
      const [first] = begun;
      if (first === undefined) return;
      const made = await first.coming;
      begun.shift();
      bytes -= first.bytes;
      begin();
      yield made;
    }
  } finally {
    for (const { coming } of begun) await coming.then(drop, () => undefined);
  }
}
