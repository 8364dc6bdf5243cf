/**
 * Whether what a device has of a removed block is needed by nobody: looked at once more, needle by
 * needle, before it goes (INV-7). What is bare was removed from all members before the block was.
 */
import { hasCode, QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { BlockAddress, BlockService, NeedleEntry } from "../../rpc/block-service.ts";
import { keepsOrphans } from "../workers/keep-orphans.ts";
import { isNamed } from "../workers/settle.ts";
import type { WorkContext } from "../workers/worker.ts";

/**
 * @throws QuarryError `InvalidArgument` when an object names a needle of it, and while metadata that were
 * restored may not know what is newer than they are.
 */
export async function checkForgotten(
  context: Pick<WorkContext, "group" | "clock">,
  blocks: Pick<BlockService, "needles">,
  address: BlockAddress,
): Promise<void> {
  const { device, block } = address;
  const { state } = context.group;
  if (keepsOrphans(context))
    throw refusal(
      `device ${device} has block ${block}, which was removed; it is kept for now, since this metadata was brought back from a copy`,
    );
  // Of a file without a superblock nothing can be read; its name says which block it was.
  if (address.generation === 0) return;
  for (let cursor: number | undefined = 0; cursor !== undefined; ) {
    let page: { entries: NeedleEntry[]; next?: number };
    try {
      page = await blocks.needles(address, cursor, limits.removeBatch);
    } catch (error) {
      if (hasCode(error, "NoSuchBlock")) return; // it is gone already
      throw error;
    }
    const named = page.entries.find((entry) => isNamed(state, block, entry));
    if (named !== undefined)
      throw refusal(
        `device ${device} has block ${block}, which was removed, and blob ${named.blob} names a needle of it: it stays; run quarry fsck on the metadata`,
      );
    cursor = page.next;
  }
}

const refusal = (message: string) => new QuarryError("InvalidArgument", message);
