/**
 * What readers told of needles is looked into: who gave out something wrong verifies it himself and so
 * takes down the damage. A block that is still open is sealed, since only sealed ones are made anew.
 */
import { payloadPool } from "../../base/buffer-pool.ts";
import { QuarryError } from "../../base/errors.ts";
import type { BlockId } from "../../base/ids.ts";
import type { BlockService } from "../../rpc/block-service.ts";
import type { NeedleReport } from "../../rpc/name-service.ts";
import type { Group } from "../group/group.ts";
import { keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";

export interface ReportContext {
  readonly group: Pick<Group, "state">;
  readonly blocks: Pick<BlockService, "fetch">;
  readonly seal: (block: BlockId, generation: number) => Promise<void>;
}

/** True when the member lacks the needle, or has it harmed: its block is to be looked at. */
export async function lookInto(
  { group, blocks, seal }: ReportContext,
  { block, position, needle }: NeedleReport,
): Promise<boolean> {
  const row = read(group.state, keys.block(block));
  const device = row?.members[position];
  if (row === undefined || !device) return false;
  const { generation } = row;
  try {
    const fetched = await blocks.fetch({ device, block, generation }, [needle], true);
    payloadPool.give(fetched.data);
    if (fetched.needles.length > 0) return false;
  } catch (error) {
    // Who is away, or holds something else, is seen to by what it reports of itself.
    if (!(error instanceof QuarryError)) throw error;
    return false;
  }
  if (row.state === "open") await seal(block, generation);
  return true;
}
