/** Whether a block is laid out as its pool wants it, as far as schemes go. Pure. */
import { layoutOf, type Pool, type PoolScheme, WHOLE } from "../rpc/pool.ts";
import type { BlockRow } from "./rows.ts";

export interface Wanted {
  readonly layout: "whole" | "striped";
  readonly scheme: PoolScheme;
  /** Its scheme is not one that its pool wants: whatever room it takes. */
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
  if (usual.k > 1) return stripesOf(scheme, usual);
  if (layout === "whole") return undefined;
  if (layout === "striped" && cold !== undefined) return stripesOf(scheme, cold.scheme);
  return { layout: "whole", scheme: usual };
}

const stripesOf = (now: PoolScheme, scheme: PoolScheme): Wanted | undefined =>
  isSame(now, scheme) ? undefined : { layout: "striped", scheme, padded: true };

const isSame = (a: PoolScheme, b: PoolScheme) => a.k === b.k && a.m === b.m;
