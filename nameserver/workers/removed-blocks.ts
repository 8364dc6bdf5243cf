/**
 * A device that was away returns with blocks that were removed by command. What it has of them was no
 * needle's that an object names when that command came; that is looked at once more, needle by needle,
 * and then it goes (INV-7). What the metadata has never known is left alone: health lists it.
 */
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { BlockAddress, NeedleEntry } from "../../rpc/block-service.ts";
import { keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import type { Held, Stock } from "../stock/stock.ts";
import { abandon } from "../take-stock.ts";
import { devicesAway } from "./members-up.ts";
import { isNamed } from "./settle.ts";
import { logTime, type WorkContext, type Worker } from "./worker.ts";

export interface RemovedBlocksOptions {
  readonly stock: Pick<Stock, "of" | "devices">;
  /** How often devices are looked through. A block that is just being made is there before its row. */
  readonly lookMs: number;
}

/** A block of a device that no row names, when it was seen so in the look before, too. */
type Seen = Set<string>;
const nameOf = (device: DeviceId, block: BlockId, { generation }: Held) =>
  `${device} ${block} ${generation}`;

export function clearRemoved(context: WorkContext, options: RemovedBlocksOptions): Worker {
  const { clock } = context;
  let before: Seen = new Set();
  let now: Seen = new Set();
  let todo: DeviceId[] | undefined;
  let lookedMs = Number.NEGATIVE_INFINITY;
  return {
    name: "removal of blocks that were away",
    async step() {
      if (todo === undefined) {
        if (clock.monotonicMs() - lookedMs < options.lookMs) return false;
        lookedMs = clock.monotonicMs();
        const away = await devicesAway(context);
        todo = [...options.stock.devices].filter((device) => !away.has(device));
        now = new Set();
      }
      const device = todo.shift();
      if (device === undefined) {
        before = now;
        todo = undefined;
        return false;
      }
      for (const [block, held] of options.stock.of(device) ?? []) {
        if (read(context.group.state, keys.block(block)) !== undefined) continue;
        const name = nameOf(device, block, held);
        if (now.size < limits.unknownBlocks) now.add(name);
        if (before.has(name)) await clear(context, device, block, held);
      }
      return true;
    },
  };
}

async function clear(
  context: WorkContext,
  device: DeviceId,
  block: BlockId,
  { generation, needles, damagedBytes }: Held,
): Promise<void> {
  const { group, blocks, report } = context;
  const address = { device, block, generation };
  // Without a superblock nobody knows what it is.
  if (generation === 0) return;
  if (needles === 0 && damagedBytes === 0) return await abandon(context, address);
  const removed = read(group.state, keys.removedBlock(block))?.generation ?? 0;
  if (removed < generation || keepsOrphans(context)) return;
  try {
    if (await isNeeded(context, address)) return;
    await blocks.retire({ ...address, surplus: true });
    report(
      `device ${device} returned with block ${block}, which was removed meanwhile: it is removed there, too`,
    );
  } catch (error) {
    report(`block ${block} of ${device} stays: ${error}`);
  }
}

function keepsOrphans(context: WorkContext): boolean {
  const until = read(context.group.state, keys.recovered())?.keepOrphansUntilMs ?? 0;
  return logTime(context) < until;
}

/** Whether any object names a needle of it. What is bare was removed from all members before the block was. */
async function isNeeded({ group, blocks }: WorkContext, address: BlockAddress): Promise<boolean> {
  for (let cursor: number | undefined = 0; cursor !== undefined; ) {
    const page: { entries: NeedleEntry[]; next?: number } = await blocks.needles(
      address,
      cursor,
      limits.removeBatch,
    );
    if (page.entries.some((entry) => isNamed(group.state, address.block, entry))) return true;
    cursor = page.next;
  }
  return false;
}
