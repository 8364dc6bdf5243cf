/** Many things at once, but not too many. */
import { InvalidArgumentError } from "commander";

const MAX_AT_ONCE = 256;

/** The value of `--parallel`. */
export function parseParallel(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > MAX_AT_ONCE)
    throw new InvalidArgumentError(`It is a whole number from 1 to ${MAX_AT_ONCE}.`);
  return value;
}

/** Runs `work` on every item, a bounded number at once; the first failure stops taking new ones. */
export async function inParallel<T>(
  items: AsyncIterable<T> | Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  for await (const item of items) {
    if (failure !== undefined) break;
    const one = work(item)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => running.delete(one));
    running.add(one);
    if (running.size >= atOnce) await Promise.race(running);
  }
  await Promise.all(running);
  if (failure !== undefined) throw failure.error;
}
