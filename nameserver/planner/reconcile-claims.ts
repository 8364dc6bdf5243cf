/** Whose needles are: their owners, as members tell them, and what the metadata says of those. */
import type { BlockId, DeviceId, NeedleId } from "../../base/ids.ts";
import { FREE } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { BlockAddress, BlockService, NeedleEntry } from "../../rpc/block-service.ts";
import type { StateReader } from "../group/group.ts";
import { keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import { isNamed } from "../workers/settle.ts";
import type { Claim } from "./reconcile-judge.ts";
import type { Standing } from "./reconcile-standing.ts";

export type Owners = ReadonlyMap<NeedleId, NeedleEntry>;

/**
 * The owners of these needles, from the lists of who has them: one member after the other, until all
 * are known. Of needles that no member can read there is none.
 */
export async function ownersOf(
  blocks: Pick<BlockService, "needles">,
  { block, generation }: Omit<BlockAddress, "device">,
  standings: readonly Standing[],
  devices: readonly DeviceId[],
): Promise<Owners> {
  const owners = new Map<NeedleId, NeedleEntry>();
  for (const [who, device] of devices.entries()) {
    const wanted = new Set(
      standings
        .filter(({ needle, live }) => live.includes(who) && !owners.has(needle))
        .map(({ needle }) => needle),
    );
    for (let cursor: number | undefined = 0; wanted.size > 0 && cursor !== undefined; ) {
      const page: { entries: NeedleEntry[]; next?: number } = await blocks.needles(
        { device, block, generation },
        cursor,
        limits.needleList,
      );
      for (const entry of page.entries)
        if (wanted.delete(entry.needle)) owners.set(entry.needle, entry);
      cursor = page.next;
    }
  }
  return owners;
}

/** Names never come back to what lost them, and a settled block gets no first one: no need to be exact in time. */
export function claimOf(state: StateReader, block: BlockId, owner: NeedleEntry | undefined): Claim {
  if (owner === undefined) return "unknown";
  if (owner.blob === FREE) return "free";
  if (!isNamed(state, block, owner)) return "unnamed";
  const head = read(state, keys.blob(owner.blob));
  const isGoing = head === undefined || (head.refs === 0 && head.pendingUntilMs === undefined);
  return isGoing ? "going" : "named";
}
