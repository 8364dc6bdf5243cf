/**
 * Writes settled blocks anew in the layout that their pool wants: cold ones in stripes, stripes with much
 * garbage in new stripes, those of a pool that has another scheme now in stripes of that, or whole. The
 * next generation is made durable and read back on all its devices before one command switches to it
 * (INV-7). What the members of the generation before know of removals goes along, then those that are
 * none any more are retired.
 */
import { QuarryError } from "../../base/errors.ts";
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { filled } from "../../rpc/name-service.ts";
import { placementOf } from "../../rpc/placement.ts";
import { type BlockLayout, layoutOf, type Pool, type PoolScheme, WHOLE } from "../../rpc/pool.ts";
import { otherLayout, type Wanted } from "../block-scheme.ts";
import { NOT_ONCE } from "../group/group.ts";
import { healingSettings } from "../healing-settings.ts";
import { LocalMap } from "../local-map.ts";
import type { CurrentMap } from "../queries/cluster-map.ts";
import type { BlockRow } from "../rows.ts";
import type { Held, Stock } from "../stock/stock.ts";
import { chunksOf } from "./chunks-of.ts";
import { isAlike, isReady, LEAST_GARBAGE_BYTES } from "./compaction.ts";
import { finishConversion } from "./conversion-end.ts";
import { logTime, type WorkContext } from "./worker.ts";

export interface ConversionOptions {
  readonly map: Pick<CurrentMap, "get" | "addressOf">;
  readonly stock: Pick<Stock, "of">;
  /** How often blocks are looked through. */
  readonly lookMs: number;
  /** Stripes with a larger share of garbage are written anew. */
  readonly garbageShare: number;
}

export type Need = Wanted | "to be ended";

/** What a block wants of a conversion; undefined: nothing. */
export async function needOf(
  context: WorkContext,
  options: ConversionOptions,
  block: BlockId,
  row: BlockRow,
): Promise<Need | undefined> {
  if (row.before !== undefined) return "to be ended";
  const map = await options.map.get();
  const pool = map.pools.find(({ id }) => id === row.pool);
  const held = heldBy(options, block, row);
  if (pool === undefined || held?.needles === 0) return undefined;
  return wantedOf(row, pool, logTime(context), held, options.garbageShare);
}

/** What the first member that was heard says. */
export function heldBy(
  { stock }: Pick<ConversionOptions, "stock">,
  block: BlockId,
  { members, generation }: BlockRow,
): Held | undefined {
  for (const device of filled(members)) {
    const held = stock.of(device)?.get(block);
    if (held?.generation === generation) return held;
  }
  return undefined;
}

/** The layout that a block shall have; undefined: the one that it has. */
export function wantedOf(
  row: BlockRow,
  pool: Pool,
  nowMs: number,
  held: Held | undefined,
  garbageShare: number,
): Wanted | undefined {
  const { state, swept, sealedMs = 0, scheme = WHOLE, layout = layoutOf(scheme) } = row;
  if (state !== "settled") return undefined;
  const other = otherLayout(row, pool);
  // What nobody names is not to be put together.
  if (other !== undefined) return layout === "striped" || swept === true ? other : undefined;
  const { cold, scheme: usual } = pool;
  const stripes: Wanted = cold
    ? { layout: "striped", scheme: cold.scheme }
    : { layout: "striped", scheme: usual, padded: true };
  if (layout === "striped")
    return held !== undefined && isWorthIt(held, stripes, garbageShare) ? stripes : undefined;
  const isCold = cold !== undefined && swept === true && nowMs - sealedMs >= cold.afterMs;
  return isCold && layout === "whole" ? stripes : undefined;
}

/**
 * Ranges that were padded are as long again, when no more than a needle each has gone. And of a block of
 * few small needles what a file takes beside them would else pass for garbage, however often it is rewritten.
 */
function isWorthIt(held: Held, { scheme, padded }: Wanted, garbageShare: number): boolean {
  const share = garbageShareOf(held, scheme);
  const garbageBytes = share * rangeBytesOf(held) * scheme.k;
  const leastBytes = padded === true ? limits.needleBytes : LEAST_GARBAGE_BYTES;
  return share >= garbageShare && garbageBytes > scheme.k * leastBytes;
}

/** What a member keeps of each needle beside its record: columns, details, checksum. */
const TABLE_BYTES = 32;

/** A member tells of all needles, and has a k-th of them. */
const garbageShareOf = (held: Held, { k }: PoolScheme): number =>
  1 - held.liveBytes / (rangeBytesOf(held) * k);

const rangeBytesOf = ({ fileBytes, needles }: Held): number =>
  Math.max(fileBytes - needles * TABLE_BYTES, 1);

/** False when its members do not agree: who lacks something, or has missed a removal, comes first. */
export async function convert(
  context: WorkContext,
  options: ConversionOptions,
  block: BlockId,
  row: BlockRow,
  wanted: Wanted,
): Promise<boolean> {
  const { group, blocks, report } = context;
  const { term } = group;
  const { generation, scheme = WHOLE, layout = layoutOf(scheme) } = row;
  const { padded, ...next } = wanted;
  const sources = filled(row.members);
  const statusOn = async (device: DeviceId) =>
    (await blocks.blocks(device, block - 1, 1)).find((one) => one.block === block);
  const before = await Promise.all(sources.map(statusOn));
  if (!before.every((one) => isReady(one, generation)) || !isAlike(before)) return false;
  const targets = await placesFor(context, options, block, wanted.scheme);
  const placed = (devices: readonly (DeviceId | null)[]) =>
    Promise.all(
      devices.flatMap((device, piece) => (device === null ? [] : [place(options, device, piece)])),
    );
  const to = generation + 1;
  const { bytesPerSecond } = healingSettings(group.state);
  const by = targets.find((device) => sources.includes(device)) ?? targets[0];
  const [source] = sources;
  if (by === undefined || source === undefined) return false;
  const isSplit = layout === "split";
  const from = { device: source, block, generation };
  const chunks = isSplit && (await chunksOf(context, from, scheme.k));
  const converting = blocks.convert({
    ...{ device: by, block, generation, scheme, layout },
    ...{ sources: await placed(row.members), to: next, targets: await placed(targets) },
    ...{ ...(chunks && { chunks }), ...(padded && { padded }) },
    ...(bytesPerSecond !== undefined && { bytesPerSecond }),
  });
  const { encoding } = await converting.catch(async (error: unknown) => {
    // Only now: once it is proposed, nobody can tell that it is not needed.
    await drop(context, block, to, targets);
    throw error;
  });
  const members = targets;
  // Another leader may be writing it already, and the files of this encoding be gone.
  await group.propose(
    { type: "convertBlock", block, from: generation, to, ...next, encoding, members },
    NOT_ONCE,
    term,
  );
  await finishConversion(context, block, {
    ...{ ...row, ...next, generation: to, members, encoding },
    before: { generation, members: row.members },
  });
  report(
    `block ${block} is ${describe(wanted.layout, wanted.scheme)} now, was ${describe(layout, scheme)}`,
  );
  return true;
}

const describe = (layout: BlockLayout, { k, m }: PoolScheme) =>
  layout === "whole" ? `${1 + m} whole ${m === 0 ? "copy" : "copies"}` : `${layout} ${k}+${m}`;

async function place(options: ConversionOptions, device: DeviceId, piece: number) {
  return { piece, device, address: (await options.map.addressOf(device)) ?? "" };
}

/** @throws QuarryError `Unavailable` when CRUSH finds too few places, or one of them takes nothing. */
async function placesFor(
  { blocks }: WorkContext,
  { map }: ConversionOptions,
  block: BlockId,
  scheme: PoolScheme,
): Promise<DeviceId[]> {
  const states = await blocks.devices();
  const places = placementOf(new LocalMap().of(await map.get(), states)).devicesOf(block, scheme);
  const found = places.filter((device) => device !== undefined);
  const wanted = scheme.k + scheme.m;
  if (found.length < wanted)
    throw new QuarryError(
      "Unavailable",
      `it needs ${wanted} places, and there are ${found.length}`,
    );
  const takes = new Set(states.filter(({ state }) => state === "ok").map(({ device }) => device));
  const away = found.find((device) => !takes.has(device));
  if (away === undefined) return found;
  throw new QuarryError("Unavailable", `device ${away} takes nothing now`);
}

/** What was staged in vain goes, where that can be told; a device drops nothing that it switched to. */
async function drop(
  { blocks }: WorkContext,
  block: BlockId,
  generation: number,
  targets: readonly DeviceId[],
): Promise<void> {
  await Promise.allSettled(
    targets.map((device) => blocks.dropStage({ device, block, generation })),
  );
}
