/**
 * Rewrites settled blocks that hold much garbage, and removes empty ones. The next generation is
 * built and read back on every member before one command switches to it (INV-7); the old one goes
 * after that command. It leaves out what was removed, and with it the knowledge of that: so it is built
 * only while all members agree on what lives. What a try that failed has built is built anew by the next.
 */
import { QuarryError } from "../../base/errors.ts";
import type { DeviceId } from "../../base/ids.ts";
import type { BlockStatus } from "../../rpc/block-service.ts";
import { filled } from "../../rpc/name-service.ts";
import { NOT_ONCE } from "../group/group.ts";
import { keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import type { BlockRow } from "../rows.ts";
import { areMembersUp } from "./members-up.ts";
import { Rests } from "./rests.ts";
import { WalkRest } from "./walk-rest.ts";
import type { WorkContext, Worker } from "./worker.ts";

export interface CompactionOptions {
  /** How often devices are asked. */
  readonly lookMs: number;
  /** Blocks with a larger share of garbage are rewritten. */
  readonly garbageShare: number;
}

const PAGE = 256;
/**
 * Less is not worth a rewrite. It is also more than what a block takes beside its needles: a block
 * of one small needle would else be mostly that, however often it is rewritten.
 */
export const LEAST_GARBAGE_BYTES = 256;

export function compactBlocks(context: WorkContext, options: CompactionOptions): Worker {
  const { clock, blocks } = context;
  const rests = new Rests(clock, options.lookMs);
  let todo: { device: DeviceId; after: number }[] = [];
  const walkRest = new WalkRest(clock, options.lookMs);
  return {
    name: "compaction of blocks",
    async step() {
      if (todo.length === 0) {
        if (!walkRest.isOver) return false;
        walkRest.begin();
        const all = await blocks.devices();
        const devices = all.filter(({ state }) => state !== "failed" && state !== "down");
        todo = devices.map(({ device }) => ({ device, after: 0 }));
      }
      const at = todo.shift();
      if (at === undefined) return false;
      // A device that cannot be asked is left out of this look.
      const page = await blocks.blocks(at.device, at.after, PAGE);
      walkRest.saw(page.length);
      for (const status of page) {
        at.after = status.block;
        if (rests.has(status.block)) continue;
        if (await tendOrReport(context, options, rests, at.device, status)) {
          todo.push(at);
          return true;
        }
      }
      if (page.length === PAGE) todo.push(at);
      if (todo.length === 0) walkRest.begin();
      return todo.length > 0;
    },
  };
}

/** A block that fails must not keep the others waiting; it has its turn again after a rest. */
async function tendOrReport(
  context: WorkContext,
  options: CompactionOptions,
  rests: Rests,
  device: DeviceId,
  status: BlockStatus,
): Promise<boolean> {
  using claim = context.claims?.take(status.block);
  if (context.claims !== undefined && claim === undefined) return false;
  try {
    const did = await tend(context, options, device, status);
    if (did) rests.forget(status.block);
    return did;
  } catch (error) {
    if (!(error instanceof QuarryError)) throw error;
    if (rests.failed(status.block))
      context.report(`block ${status.block} stays as it is for now: ${error.message}`);
    return false;
  }
}

/** Does what one block needs; true when that was something. */
async function tend(
  context: WorkContext,
  options: CompactionOptions,
  device: DeviceId,
  status: BlockStatus,
): Promise<boolean> {
  const { group, blocks } = context;
  const { block, needles, liveBytes, fileBytes } = status;
  const row = read(group.state, keys.block(block));
  if (row?.state !== "settled" || !row.members.includes(device)) return false;
  if (status.generation < row.generation) {
    // The command was committed, then something died before this member switched.
    const { generation, encoding } = row;
    const meant = encoding === undefined ? {} : { encoding };
    await blocks.switchGeneration({ device, block, generation, ...meant });
    return true;
  }
  if (status.generation > row.generation && status.layout !== "striped") {
    // The metadata were brought back from a copy that is older than the switch.
    const to = status.generation;
    await group.propose({ type: "setGeneration", block, from: row.generation, to });
    return true;
  }
  const named = read(group.state, keys.blockUse(block))?.needles ?? 0;
  const isEmpty = needles === 0 && named === 0;
  const garbageBytes = fileBytes - liveBytes;
  // Stripes are written anew by their conversion.
  const isStriped = row.layout === "striped";
  const isWorthIt =
    !isStriped && garbageBytes >= Math.max(LEAST_GARBAGE_BYTES, fileBytes * options.garbageShare);
  if (!(isEmpty || isWorthIt) || !(await areMembersUp(context, row))) return false;
  return isEmpty ? await removeEmpty(context, status, row) : await compact(context, status, row);
}

async function removeEmpty(
  { group, blocks }: WorkContext,
  { block, generation }: BlockStatus,
  row: BlockRow,
): Promise<boolean> {
  const members = filled(row.members);
  for (const device of members) {
    const page = await blocks.needles({ device, block, generation }, 0, 1);
    if (page.entries.length > 0) return false;
  }
  await group.propose({ type: "removeBlock", block, generation });
  await tellAll(members, (device) => blocks.retire({ device, block, generation }));
  return true;
}

async function compact(
  { group, blocks, report }: WorkContext,
  { block, generation, fileBytes }: BlockStatus,
  row: BlockRow,
): Promise<boolean> {
  const { term } = group;
  const members = filled(row.members);
  const statusOn = async (device: DeviceId) =>
    (await blocks.blocks(device, block - 1, 1)).find((one) => one.block === block);
  const before = await Promise.all(members.map(statusOn));
  // Who lacks something, or has missed a removal, is seen to first.
  if (!before.every((one) => isReady(one, generation)) || !isAlike(before)) return false;
  const to = generation + 1;
  const built: BlockStatus[] = [];
  for (const device of members) built.push(await blocks.compact({ device, block, generation }));
  await group.propose({ type: "setGeneration", block, from: generation, to }, NOT_ONCE, term);
  await tellAll(members, (device) => blocks.switchGeneration({ device, block, generation: to }));
  report(`block ${block} went from ${fileBytes} to ${built.at(-1)?.fileBytes ?? 0} bytes`);
  return true;
}

export const isReady = (status: BlockStatus | undefined, generation: number): boolean =>
  status?.generation === generation && status.sealed && status.damage.length === 0;

export const isAlike = (all: readonly (BlockStatus | undefined)[]): boolean =>
  all.every((one) => one?.digest === all[0]?.digest && one?.needles === all[0]?.needles);

/** All are told, whoever fails: one that is away now does it when it is looked at the next time. */
async function tellAll(
  members: readonly DeviceId[],
  tell: (device: DeviceId) => Promise<void>,
): Promise<void> {
  for (const end of await Promise.allSettled(members.map(tell)))
    if (end.status === "rejected") throw end.reason;
}
