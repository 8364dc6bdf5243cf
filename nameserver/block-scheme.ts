/** Whether a block is laid out as its pool wants it, as far as schemes go. Pure. */
import { layoutOf, type Pool, type PoolScheme, WHOLE } from "../rpc/pool.ts";
import type { BlockRow } from "./rows.ts";

export interface Wanted {
  readonly layout: "whole" | "striped";
  readonly scheme: PoolScheme;
  /** The pool has this scheme itself: whatever room it takes. */
  readonly padded?: true;
}

/**
 * What a block has to become since its pool has another scheme; undefined: nothing, or only another
 * number of whole copies. Needles are not cut anew: what must have k > 1 becomes stripes.
 */
export function otherLayout(
  { scheme = WHOLE, layout = layoutOf(scheme) }: Pick<BlockRow, "scheme" | "layout">,
  { scheme: usual, cold }: Pick<Pool, "scheme" | "cold">,
): Wanted | undefined {
  if (usual.k > 1)
    return isSame(scheme, usual) ? undefined : { layout: "striped", scheme: usual, padded: true };
  if (layout === "whole") return undefined;
  if (layout === "striped" && cold !== undefined)
    return isSame(scheme, cold.scheme) ? undefined : { layout: "striped", scheme: cold.scheme };
  return { layout: "whole", scheme: usual };
}

const isSame = (a: PoolScheme, b: PoolScheme) => a.k === b.k && a.m === b.m;
