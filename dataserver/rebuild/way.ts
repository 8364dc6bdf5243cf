/**
 * Which sources most needles come from: one that has the wanted piece itself, or k that have others. Of
 * those that are equally good the first in the order: so the leader spreads what is read.
 */
import type { RebuildOrder } from "../../rpc/healing-service.ts";
import type { Plan } from "./plan.ts";
import type { AskedSource, SeededSource } from "./sources.ts";

/** A source, and which it is in the plan. */
export interface Column {
  readonly s: number;
  readonly source: SeededSource;
}

export type Way =
  | { readonly kind: "copy"; readonly from: Column }
  | { readonly kind: "decode"; readonly columns: readonly Column[] }
  /** There is no such source: each needle is asked of who has it. */
  | { readonly kind: "needles" };

/** `own`: the first of the sources is the device itself. */
export function wayOf(
  { scheme, piece }: RebuildOrder,
  plan: Plan,
  sources: readonly AskedSource[],
  own: boolean,
): Way {
  const held = heldBy(plan, sources.length);
  const columns = sources.flatMap((source, s): Column[] =>
    source.seed === undefined ? [] : [{ s, source: { ...source, seed: source.seed } }],
  );
  const best = columns.sort((a, b) => (held[b.s] ?? 0) - (held[a.s] ?? 0));
  const isDirect = ({ source }: Column) => scheme.k === 1 || source.piece === piece;
  // A copy is made anew here because something is wrong with it: others are better.
  const isOther = ({ s }: Column) => scheme.k > 1 || !own || s > 0;
  const direct = best.filter(isDirect);
  const from = direct.find(isOther) ?? direct[0];
  if (from !== undefined && (held[from.s] ?? 0) * 2 >= plan.count) return { kind: "copy", from };
  const others = best.filter((column) => !isDirect(column));
  const distinct = others.filter(
    ({ source }, i) => others.findIndex((one) => one.source.piece === source.piece) === i,
  );
  if (scheme.k > 1 && distinct.length >= scheme.k)
    return { kind: "decode", columns: distinct.slice(0, scheme.k) };
  return { kind: "needles" };
}

/** How many rows each source has. */
function heldBy({ holders, count }: Plan, sources: number): Uint32Array {
  const held = new Uint32Array(sources);
  for (let row = 0; row < count; row++)
    for (let s = 0; s < sources; s++)
      if (((holders[row] ?? 0) & (1 << s)) !== 0) held[s] = (held[s] ?? 0) + 1;
  return held;
}
