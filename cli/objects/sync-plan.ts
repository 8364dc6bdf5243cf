/**
 * What a sync has to move and to delete: two listings in the same order are walked side by side, so
 * nothing is held but one page of each.
 */

export interface Side {
  /** Below the folder or prefix. */
  readonly name: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

export type SyncStep<From extends Side, To extends Side> =
  | { readonly kind: "move"; readonly from: From; readonly to: To | undefined }
  | { readonly kind: "delete"; readonly to: To };

/** Both in bytewise order of their names. `differs` is asked for pairs of one name. */
export async function* syncSteps<From extends Side, To extends Side>(
  sources: AsyncIterable<From>,
  targets: AsyncIterable<To>,
  differs: (from: From, to: To) => boolean | Promise<boolean>,
): AsyncGenerator<SyncStep<From, To>> {
  const from = sources[Symbol.asyncIterator]();
  const to = targets[Symbol.asyncIterator]();
  try {
    let [a, b] = await Promise.all([from.next(), to.next()]);
    while (a.done !== true || b.done !== true) {
      const order = a.done === true ? 1 : b.done === true ? -1 : compare(a.value, b.value);
      if (order < 0) {
        if (a.done !== true) yield { kind: "move", from: a.value, to: undefined };
        a = await from.next();
      } else if (order > 0) {
        if (b.done !== true) yield { kind: "delete", to: b.value };
        b = await to.next();
      } else {
        if (a.done !== true && b.done !== true && (await differs(a.value, b.value)))
          yield { kind: "move", from: a.value, to: b.value };
        [a, b] = await Promise.all([from.next(), to.next()]);
      }
    }
  } finally {
    await from.return?.(undefined);
    await to.return?.(undefined);
  }
}

/** JavaScript's own order of strings is that of UTF-16, not that of UTF-8. */
function compare(a: Side, b: Side): number {
  if (a.name === b.name) return 0;
  return Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));
}
