/** Work that needs every member of a block waits while one is away: the others would do it in vain. */
import type { DeviceId } from "../../base/ids.ts";
import type { DeviceStatus } from "../../rpc/block-service.ts";
import { filled } from "../../rpc/name-service.ts";
import type { BlockRow } from "../rows.ts";
import type { WorkContext } from "./worker.ts";

/** Down, or its disk takes no more orders. */
const isAway = ({ state }: DeviceStatus): boolean => state === "down" || state === "failed";

export async function devicesAway({
  blocks,
}: Pick<WorkContext, "blocks">): Promise<ReadonlySet<DeviceId>> {
  const states = await blocks.devices();
  return new Set(states.filter(isAway).map(({ device }) => device));
}

export async function areMembersUp(
  { blocks }: Pick<WorkContext, "blocks">,
  { members }: Pick<BlockRow, "members">,
): Promise<boolean> {
  const states = await blocks.devices();
  const there = new Set(states.filter((one) => !isAway(one)).map(({ device }) => device));
  return filled(members).every((member) => there.has(member));
}
