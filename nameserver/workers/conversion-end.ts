/** What follows the command that converted a block; begun again by whoever leads when that ends. */
import { hasCode, QuarryError } from "../../base/errors.ts";
import type { BlockId, DeviceId, NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { INVENTORY_ROW_BYTES, type Inventory } from "../../rpc/healing-service.ts";
import { filled } from "../../rpc/name-service.ts";
import { keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import type { BlockRow } from "../rows.ts";
import { devicesAway } from "./members-up.ts";
import type { WorkContext } from "./worker.ts";

/**
 * Asks the members before what was removed of the block, switches the members, which never show any of
 * that, tells all of them what any of them has heard since, and retires who is none any more.
 * @throws QuarryError when one of them cannot be asked: it is done again.
 */
export async function finishConversion(
  context: WorkContext,
  block: BlockId,
  row: BlockRow,
): Promise<void> {
  const { group, blocks } = context;
  const { generation, encoding, before } = row;
  if (before === undefined) return;
  const members = filled(row.members);
  const asked = await askable(context, block, filled(before.members));
  const removed = new Set<NeedleId>();
  const learn = (device: DeviceId, at: number) => learnRemoved(context, device, block, at, removed);
  const learnt = new Map<DeviceId, bigint>();
  /** Those that went on to this generation: who is no member of it any more is surplus, as others are. */
  const went = new Set<DeviceId>();
  await each(asked, async (device) => {
    try {
      const digest = await learn(device, before.generation);
      if (digest !== undefined) learnt.set(device, digest);
    } catch (error) {
      if (!hasCode(error, "StaleGeneration")) throw error;
      went.add(device);
      await learn(device, generation);
    }
  });
  const told = { removed: packed(removed), ...(encoding !== undefined && { encoding }) };
  await each(members, (device) => blocks.switchGeneration({ device, block, generation, ...told }));
  await each(members, async (device) => void (await learn(device, generation)));
  const ids = [...removed];
  await each(members, async (device) => {
    for (let i = 0; i < ids.length; i += limits.removeBatch)
      await blocks.remove({ device, block, generation }, ids.slice(i, i + limits.removeBatch));
  });
  // Who is away now is retired when it is back, as any that is surplus. One that was removed from since it
  // was asked refuses, and all is done again: from then on it confirms no removal of that generation.
  const left = asked.filter((device) => !members.includes(device) && !went.has(device));
  await each(left, async (device) => {
    const digest = learnt.get(device);
    const told = digest === undefined ? {} : { digest };
    await blocks.retire({
      ...{ device, block, generation: before.generation, surplus: true, ...told },
    });
  });
  await group.propose({ type: "convertedBlock", block, generation });
}

/**
 * Members before that are up. All of them confirmed each removal that counts: one of them is enough. To
 * wait for one that is lost would be for ever: until the others have switched it is not made anew.
 * @throws QuarryError `Unavailable` when there is nobody.
 */
async function askable(
  context: WorkContext,
  block: BlockId,
  before: readonly DeviceId[],
): Promise<DeviceId[]> {
  const { group, report } = context;
  const away = await devicesAway(context);
  const there = before.filter((device) => !away.has(device));
  if (there.length > 0) return there;
  // Whoever put them out said that they are not to be waited for.
  if (before.some((device) => read(group.state, keys.device(device))?.in === true))
    throw new QuarryError("Unavailable", `no member of block ${block} before can be asked`);
  report(
    `block ${block} goes on without its members before, which are out and away: what was removed just before it was converted may be there again`,
  );
  return there;
}

function packed(removed: ReadonlySet<NeedleId>): Uint8Array {
  const ids = Buffer.alloc(Math.min(removed.size, limits.switchRemoved) * 8);
  let at = 0;
  for (const needle of removed) {
    if (at === ids.length) break;
    at = ids.writeBigUInt64LE(needle, at);
  }
  return ids;
}

async function each(
  devices: readonly DeviceId[],
  run: (device: DeviceId) => Promise<void>,
): Promise<void> {
  for (const end of await Promise.allSettled(devices.map(run)))
    if (end.status === "rejected") throw end.reason;
}

/** XOR of the ids that live there; undefined: it is not there any more, or its version does not tell. */
async function learnRemoved(
  { blocks }: WorkContext,
  device: DeviceId,
  block: BlockId,
  generation: number,
  removed: Set<NeedleId>,
): Promise<bigint | undefined> {
  let digest: bigint | undefined;
  let after: NeedleId | undefined = 0n as NeedleId;
  while (after !== undefined) {
    let page: Inventory;
    try {
      page = await blocks.inventory({ device, block, generation }, after);
    } catch (error) {
      // It was retired by a try before this one.
      if (error instanceof QuarryError && error.code === "NoSuchBlock") return undefined;
      throw error;
    }
    // The first: a removal between two pages is not told, and differs from it.
    digest ??= page.digest;
    const rows = Buffer.from(page.rows.buffer, page.rows.byteOffset, page.rows.byteLength);
    for (let at = 0; at < rows.length; at += INVENTORY_ROW_BYTES)
      if (rows.readUInt32LE(at + 12) === 0) removed.add(rows.readBigUInt64LE(at) as NeedleId);
    after = page.next;
  }
  return digest;
}
