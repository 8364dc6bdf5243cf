/** Takes items from a slow source before they are asked for, a bounded number ahead. */

/** `seen` is told of each item as it is found, which may be long before it is its turn. */
export async function* runAhead<T>(
  items: AsyncIterable<T>,
  most: number,
  seen: (item: T) => void,
  ended: () => void,
): AsyncGenerator<T> {
  const queue: T[] = [];
  let next = 0;
  const source: { state: "open" | "ended" | "failed"; error?: unknown } = { state: "open" };
  let changed = Promise.withResolvers<void>();
  let stopped = false;
  const signal = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const fill = async () => {
    try {
      for await (const item of items) {
        seen(item);
        queue.push(item);
        signal();
        while (queue.length - next >= most && !stopped) await changed.promise;
        if (stopped) return;
      }
      ended();
      source.state = "ended";
    } catch (error) {
      source.state = "failed";
      source.error = error;
    }
    signal();
  };
  const filling = fill();
  try {
    for (;;) {
      if (next < queue.length) {
        const item = queue[next++] as T;
        if (next === 1024) {
          queue.splice(0, next);
          next = 0;
        }
        signal();
        yield item;
      } else if (source.state === "open") await changed.promise;
      else if (source.state === "failed") throw source.error;
      else return;
    }
  } finally {
    stopped = true;
    signal();
    await filling;
  }
}
