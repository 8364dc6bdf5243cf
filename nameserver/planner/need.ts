/** What a block needs, told from its view alone: one thing at a time, the most pressing first. */
import type { BlockId, DeviceId } from "../../base/ids.ts";
import type { HealingKind } from "../../rpc/healing.ts";
import type { BlockMembers } from "../../rpc/name-service.ts";
import type { PoolScheme } from "../../rpc/pool.ts";
import type { Held } from "../stock/stock.ts";
import { copiesNeed } from "./kinds/copies.ts";
import { remakeVerdict } from "./kinds/remake.ts";
import { retireNeed } from "./kinds/retire.ts";
import { sealNeed } from "./kinds/seal.ts";
import type { BlockView, Source } from "./view.ts";

interface Base {
  readonly block: BlockId;
  readonly generation: number;
  /** As in {@link BlockView}: the fewer, the sooner. */
  readonly spare: number;
  /** Read and written, about. */
  readonly bytes: number;
  /** Who writes for it, and who is read from: each does only so much at a time. */
  readonly targets: readonly DeviceId[];
  readonly readers: readonly DeviceId[];
}

/** `rebuild`, `move` and `switch` leave this member at this position. */
export interface RemakeNeed extends Base {
  readonly kind: Extract<HealingKind, "rebuild" | "move" | "switch">;
  readonly position: number;
  readonly from: DeviceId | null;
  readonly to: DeviceId;
  readonly sources: readonly Source[];
  /** Another piece of the block, which `to` has and its member has, too: it gives way. */
  readonly replaces?: number;
  /** Members that cannot be asked now, and may have what the sources lack. */
  readonly awaited: readonly DeviceId[];
}

export interface RetireNeed extends Base {
  readonly kind: "retire";
  readonly device: DeviceId;
  readonly held: Pick<Held, "generation" | "salt">;
}

/** Another number of whole copies. */
export interface CopiesNeed extends Base {
  readonly kind: "convert";
  readonly from: PoolScheme;
  readonly to: PoolScheme;
  readonly members: BlockMembers;
}

export interface SealNeed extends Base {
  readonly kind: "seal";
}

export type Need = SealNeed | RemakeNeed | RetireNeed | CopiesNeed;

/** What cannot be done, and what it is missing. */
export interface Stuck {
  readonly why: string;
  /** Something is to be made there, and has no room. */
  readonly lacksRoom?: DeviceId;
}

export interface Verdict {
  readonly need?: Need;
  readonly stuck?: Stuck;
}

/**
 * Only members of a block that takes no more can be made anew. What a leader made that was deposed before
 * it opened the block goes also from one that is open: it would pass for a copy.
 */
export function needOf(view: BlockView): Verdict {
  if (view.row.state === "open") {
    const need = sealNeed(view) ?? retireNeed(view);
    return need === undefined ? {} : { need };
  }
  const copies = copiesNeed(view);
  if (copies !== undefined) return { need: copies };
  const remake = remakeVerdict(view);
  if (remake.need !== undefined) return remake;
  const retire = retireNeed(view);
  return { ...(retire && { need: retire }), ...(remake.stuck && { stuck: remake.stuck }) };
}
