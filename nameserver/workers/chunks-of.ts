/** The chunks that the needles of a split block are: their pieces do not tell how long they were. */
import { QuarryError } from "../../base/errors.ts";
import { FREE } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { BlockAddress, NeedleEntry } from "../../rpc/block-service.ts";
import { BARE_ROW, CHUNK_ROW_BYTES } from "../../rpc/stripe-service.ts";
import { keepsOrphans } from "./keep-orphans.ts";
import { namedChunk } from "./settle.ts";
import type { WorkContext } from "./worker.ts";

/**
 * Rows of `ConvertOrder.chunks`, from the list of a member that has all needles. Those that their owner
 * does not name are not among them: a settled block gets no first reference any more (INV-4).
 * @throws QuarryError when such must be kept for now.
 */
export async function chunksOf(
  context: WorkContext,
  address: BlockAddress,
  k: number,
): Promise<Buffer> {
  const { group, blocks } = context;
  const { block } = address;
  if (keepsOrphans(context))
    throw new QuarryError("Unavailable", "needles that no object names are kept for now");
  const rows: Buffer[] = [];
  for (let cursor: number | undefined = 0; cursor !== undefined; ) {
    const page: { entries: NeedleEntry[]; next?: number } = await blocks.needles(
      address,
      cursor,
      limits.needleList,
    );
    for (const entry of page.entries) {
      const isBare = entry.blob === FREE;
      const chunk = isBare ? undefined : namedChunk(group.state, block, entry);
      if (chunk === undefined && !isBare) continue;
      if (rows.length === limits.convertChunks)
        throw new QuarryError("TooLarge", `more than ${limits.convertChunks} needles at once`);
      const row = Buffer.allocUnsafe(CHUNK_ROW_BYTES);
      row.writeBigUInt64LE(entry.needle);
      // Its own head tells where it ends within that.
      row.writeUInt32LE(chunk?.lengthBytes ?? BARE_ROW + entry.lengthBytes * k, 8);
      row.writeUInt32LE(chunk?.crc32c ?? 0, 12);
      rows.push(row);
    }
    cursor = page.next;
  }
  return Buffer.concat(rows);
}
