/**
 * A new member does not know of removals that reached the others after it was made and before it was a
 * member: nobody told it, as nobody knew of it. Who removes looks after that who the members are now,
 * and a new member asks the others after it has become one: so one of the two finds the other.
 */
import { hasCode } from "../../base/errors.ts";
import type { BlockId, DeviceId, NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { BlockService, BlockStatus } from "../../rpc/block-service.ts";
import { INVENTORY_ROW_BYTES } from "../../rpc/healing-service.ts";
import type { RemakeNeed } from "./need.ts";
import type { RunContext } from "./run-context.ts";

export async function catchUp(
  { orders }: Pick<RunContext, "orders">,
  { block, generation, to, sources }: Pick<RemakeNeed, "block" | "generation" | "to" | "sources">,
  made: Pick<BlockStatus, "digest">,
): Promise<void> {
  const removed = new Set<NeedleId>();
  for (const { device } of sources) {
    if (await hasSame(orders, device, block, made)) continue;
    for await (const { needle, isRemoved } of rowsOf(orders, { device, block, generation }))
      if (isRemoved) removed.add(needle);
  }
  if (removed.size === 0) return;
  const late: NeedleId[] = [];
  for await (const { needle, isRemoved } of rowsOf(orders, { device: to, block, generation }))
    if (!isRemoved && removed.has(needle)) late.push(needle);
  for (let i = 0; i < late.length; i += limits.removeBatch)
    await orders.remove({ device: to, block, generation }, late.slice(i, i + limits.removeBatch));
}

/** Needles that live are the same, so nothing was removed here that lives there. */
async function hasSame(
  orders: BlockService,
  device: DeviceId,
  block: BlockId,
  made: Pick<BlockStatus, "digest">,
): Promise<boolean> {
  const [status] = await orders.blocks(device, block - 1, 1).catch(away);
  return status?.block === block && status.digest === made.digest;
}

const away = (error: unknown): [] => {
  // What only it knows was confirmed to nobody: it is told to all members when it is back.
  if (hasCode(error, "Unavailable", "Timeout", "NoSuchDevice", "Closed")) return [];
  throw error;
};

interface Row {
  readonly needle: NeedleId;
  readonly isRemoved: boolean;
}

async function* rowsOf(
  orders: BlockService,
  address: { readonly device: DeviceId; readonly block: BlockId; readonly generation: number },
): AsyncGenerator<Row> {
  let after: NeedleId | undefined = 0n as NeedleId;
  while (after !== undefined) {
    let page: Awaited<ReturnType<BlockService["inventory"]>>;
    try {
      page = await orders.inventory(address, after);
    } catch (error) {
      if (
        hasCode(error, "Unavailable", "Timeout", "NoSuchDevice", "NoSuchBlock", "StaleGeneration")
      )
        return;
      throw error;
    }
    const rows = Buffer.from(page.rows.buffer, page.rows.byteOffset, page.rows.byteLength);
    for (let at = 0; at + INVENTORY_ROW_BYTES <= rows.length; at += INVENTORY_ROW_BYTES)
      yield {
        needle: rows.readBigUInt64LE(at) as NeedleId,
        isRemoved: rows.readUInt32LE(at + 12) === 0,
      };
    after = page.next;
  }
}
