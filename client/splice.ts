/**
 * Changing a part of a name's content: what is appended or put over old bytes becomes a blob of its
 * own, and one command puts it in its place. A name that lies in too many slices is helped first: some
 * of them become one. So what is appended to for ever is moved a logarithmic number of times, and not
 * once for every few appends.
 */
import { assert, hasCode, QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { CommandResult } from "../rpc/commands.ts";
import type { Slice } from "../rpc/objects.ts";
import { type GetContext, readContent } from "./get.ts";
import { type PutContext, storeBody } from "./put.ts";
import type { Body, SpliceTarget } from "./store.ts";

type Spliced = Extract<CommandResult, { type: "spliced" }>;
export type SpliceContext = GetContext & PutContext;

/** @throws QuarryError `NoSuchKey`; `Changed` when another version than the one `seen` is there. */
export async function spliceContent(
  context: SpliceContext,
  target: SpliceTarget,
  body: Body | undefined,
): Promise<Spliced> {
  const { storageClass, ...named } = target;
  const splice = async (content: object) =>
    await asOftenAsNeeded(context, target, async () => {
      const result = await context.names.execute({ type: "spliceObject", ...named, ...content });
      assert(result.type === "spliced", "spliceObject answers with what became of it");
      return result;
    });
  if (body === undefined) return await splice({});
  return await storeBody(context, body, storageClass, (content) => splice({ content }));
}

async function asOftenAsNeeded<T>(
  context: SpliceContext,
  target: SpliceTarget,
  splice: () => Promise<T>,
): Promise<T> {
  for (let tries = 0; ; tries++)
    try {
      return await splice();
    } catch (error) {
      if (!hasCode(error, "TooManySlices") || tries === limits.retries) throw error;
      await joinSome(context, target);
    }
}

/** A run of slices of the current content, and where it lies. */
interface Run {
  readonly joins: readonly Slice[];
  readonly keep: number;
  readonly from: number;
}

/** That somebody else changes them meanwhile is no failure: then they are looked at again. */
async function joinSome(context: SpliceContext, target: SpliceTarget): Promise<void> {
  const { bucket, bucketId, key, storageClass } = target;
  const { pin, object } = await context.names.lookup({ bucket, key });
  if (pin.paged !== undefined || object.lengthBytes === 0)
    throw new QuarryError(
      "TooLarge",
      "what was put together of so many parts cannot be changed in place: store it anew",
    );
  const { joins, keep, from } = runToJoin(pin.slices);
  const bytes = readContent(context, pin, undefined, keep, from - keep);
  try {
    await storeBody(context, { bytes, lengthBytes: from - keep }, storageClass, (content) =>
      context.names.execute({
        type: "spliceObject",
        bucket,
        ...(bucketId !== undefined && { bucketId }),
        ...{ key, keep, from, content, joins },
      }),
    );
  } catch (error) {
    if (!hasCode(error, "Changed")) throw error;
  }
}

/** Of how many slices a run shall be at least, when there is such a one. */
const COUNTS = [16, 8, 4, 2];

/**
 * The run that is joined for the fewest bytes a slice, out of those whose largest slice is at most half
 * of it: so no byte is moved without its slice growing to twice the size, which bounds how often that
 * happens. When sizes double from slice to slice there is no such run, and the cheapest is taken.
 */
export function runToJoin(slices: readonly Slice[]): Run {
  for (const count of COUNTS) {
    const run = cheapest(slices, count, true);
    if (run !== undefined) return run;
  }
  const run = cheapest(slices, 2, false);
  if (run !== undefined) return run;
  throw new QuarryError(
    "TooLarge",
    "the parts of this content are too large to be joined: store it anew",
  );
}

function cheapest(slices: readonly Slice[], count: number, doubling: boolean): Run | undefined {
  let best: { readonly run: Run; readonly cost: number } | undefined;
  let keep = 0;
  for (const [first, { lengthBytes }] of slices.entries()) {
    let bytes = 0;
    let largest = 0;
    for (const [last, slice] of slices.entries()) {
      if (last < first) continue;
      bytes += slice.lengthBytes;
      largest = Math.max(largest, slice.lengthBytes);
      const cost = bytes / (last - first);
      const fits = last - first + 1 >= count && bytes <= limits.putBytes;
      if (!fits || (doubling && 2 * largest > bytes) || cost >= (best?.cost ?? Infinity)) continue;
      const joins = slices.slice(first, last + 1);
      best = { run: { joins, keep, from: keep + bytes }, cost };
    }
    keep += lengthBytes;
  }
  return best?.run;
}
