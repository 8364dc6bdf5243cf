/** Orders a member of a block to be made anew where it is, from what is good of it and the others. */
import { QuarryError } from "../../base/errors.ts";
import type { BlockId, DeviceId, NeedleId } from "../../base/ids.ts";
import type { BlockService } from "../../rpc/block-service.ts";
import type { RebuildSource, Rebuilt } from "../../rpc/healing-service.ts";
import { layoutOf, WHOLE } from "../../rpc/pool.ts";
import type { Group } from "../group/group.ts";
import { keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";

export interface RebuildContext {
  readonly group: Pick<Group, "state">;
  readonly blocks: Pick<BlockService, "rebuild">;
  /** host:port of the dataserver that has it, when the map names one. */
  readonly addressOf: (device: DeviceId) => Promise<string | undefined>;
  readonly bytesPerSecond?: number | undefined;
  /** Needles that may be left out when too few good pieces are found. */
  readonly mayLose?: readonly NeedleId[];
}

/**
 * The same order again joins the one under way. The dataserver leaves out who does not answer.
 * @throws QuarryError `StaleGeneration` when the block is another by now, and what the order throws.
 */
export async function rebuildInPlace(
  { group, blocks, addressOf, bytesPerSecond, mayLose = [] }: RebuildContext,
  block: BlockId,
  generation: number,
  position: number,
): Promise<Rebuilt> {
  const row = read(group.state, keys.block(block));
  const device = row?.members[position];
  if (row?.generation !== generation || !device)
    throw new QuarryError("StaleGeneration", `block ${block} is another meanwhile`);
  const { scheme = WHOLE, layout = layoutOf(scheme), members } = row;
  const sources: RebuildSource[] = [];
  for (const [piece, member] of members.entries()) {
    if (member === null || member === device) continue;
    const address = await addressOf(member);
    if (address !== undefined) sources.push({ piece, device: member, address });
  }
  return await blocks.rebuild({
    ...{ device, block, generation, piece: position, scheme, layout, sources },
    ...(bytesPerSecond !== undefined && { bytesPerSecond }),
    ...(mayLose.length > 0 && { mayLose }),
  });
}
