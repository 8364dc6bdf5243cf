/** Many things at once, but not too many. */
import { InvalidArgumentError } from "commander";

export const MAX_AT_ONCE = 256;

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
  let running = 0;
  let failure: { readonly error: unknown } | undefined;
  let wake = Promise.withResolvers<void>();
  const one = async (item: T) => {
    try {
      await work(item);
    } catch (error) {
      failure ??= { error };
    } finally {
      running--;
      wake.resolve();
    }
  };
  const oneEnds = async () => {
    wake = Promise.withResolvers();
    await wake.promise;
  };
  try {
    for await (const item of items) {
      if (failure !== undefined) break;
      running++;
      void one(item);
      while (running >= atOnce) await oneEnds();
    }
  } catch (error) {
    failure ??= { error };
  }
  while (running > 0) await oneEnds();
  if (failure !== undefined) throw failure.error;
}
