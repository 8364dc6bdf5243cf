/**
 * What becomes of a needle of which the members of its settled block do not say the same. Pure: each
 * side is checked from the other, the members from the owner and the owner from the members.
 */
import type { Standing } from "./reconcile-standing.ts";

/**
 * What the metadata says of a needle by its owner: nobody's (`free`), named, named by what is on its
 * way out (collection sees to it), not named by whom it says; or no member could tell whose it is.
 */
export type Claim = "free" | "named" | "going" | "unnamed" | "unknown";

export interface Facts {
  /** So many pieces give a needle back. */
  readonly k: number;
  /** All members of the block were asked. */
  readonly isComplete: boolean;
  /** The metadata were brought back from a copy: what they do not name may be newer than they are. */
  readonly keepsOrphans: boolean;
}

export type Verdict =
  | { readonly kind: "leave" }
  /** From all who have it. */
  | { readonly kind: "remove" }
  /** These lack it, or have it harmed, and the others can give it to them. */
  | { readonly kind: "rebuild"; readonly at: readonly number[] }
  /** Fewer than k have it, and nobody else can. */
  | { readonly kind: "lost"; readonly pieces: number };

const LEAVE: Verdict = { kind: "leave" };
const REMOVE: Verdict = { kind: "remove" };

export function judge(standing: Standing, claim: Claim, facts: Facts): Verdict {
  const { removed } = standing;
  switch (claim) {
    case "going":
      return LEAVE;
    case "unnamed":
      return facts.keepsOrphans ? LEAVE : REMOVE;
    case "free":
      // A tombstone is final. Without one it may be of a writer that died: nobody was told that it is there.
      if (removed.length > 0) return REMOVE;
      return mended(standing, facts) ?? rotten(standing, facts);
    case "unknown":
      if (removed.length > 0) return facts.keepsOrphans ? LEAVE : REMOVE;
      return mended(standing, facts) ?? lost(standing, facts);
    case "named":
      // Older metadata want it back; who is made anew takes a tombstone's word.
      if (removed.length > 0) return goodOf(standing) >= facts.k ? LEAVE : lost(standing, facts);
      return mended(standing, facts) ?? lost(standing, facts);
  }
}

const goodOf = ({ live, harmed }: Standing): number => live.length - harmed.length;

function mended(standing: Standing, { k }: Facts): Verdict | undefined {
  if (goodOf(standing) < k) return undefined;
  return { kind: "rebuild", at: [...standing.absent, ...standing.harmed] };
}

/** What is only not everywhere disturbs nobody; with what has rotted its member is not whole. */
function rotten(standing: Standing, facts: Facts): Verdict {
  return standing.harmed.length > 0 ? lost(standing, facts) : LEAVE;
}

/** While a member is away it may have what the others have not. */
function lost(standing: Standing, { isComplete }: Facts): Verdict {
  return isComplete ? { kind: "lost", pieces: goodOf(standing) } : LEAVE;
}
