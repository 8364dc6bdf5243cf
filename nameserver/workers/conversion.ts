/**
 * Writes settled blocks anew in the layout that their pool wants: cold ones in stripes, stripes with much
 * garbage in new stripes, stripes of a pool that wants none whole again. The next generation is made
 * durable and read back on all its devices before one command switches to it (INV-7). What the members of
 * the generation before know of removals goes along, then those that are none any more are retired.
 */
import { QuarryError } from "../../base/errors.ts";
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { filled } from "../../rpc/name-service.ts";
import { placementOf } from "../../rpc/placement.ts";
import { type BlockLayout, type Pool, type PoolScheme, WHOLE } from "../../rpc/pool.ts";
import { LocalMap } from "../local-map.ts";
import type { CurrentMap } from "../queries/cluster-map.ts";
import type { BlockRow } from "../rows.ts";
import type { Held, Stock } from "../stock/stock.ts";
import { blockRows } from "./block-rows.ts";
import { isAlike, isReady } from "./compaction.ts";
import { finishConversion } from "./conversion-end.ts";
import { Rests } from "./rests.ts";
import { logTime, type WorkContext, type Worker } from "./worker.ts";

export interface ConversionOptions {
  readonly map: Pick<CurrentMap, "get" | "addressOf">;
  readonly stock: Pick<Stock, "of">;
  /** How often blocks are looked through. */
  readonly lookMs: number;
  /** Stripes with a larger share of garbage are written anew. */
  readonly garbageShare: number;
}

export interface Wanted {
  readonly layout: "whole" | "striped";
  readonly scheme: PoolScheme;
}

export function convertBlocks(context: WorkContext, options: ConversionOptions): Worker {
  const { clock, group } = context;
  const rests = new Rests(clock, options.lookMs);
  let lookedMs = Number.NEGATIVE_INFINITY;
  let at = 0 as BlockId;
  return {
    name: "conversion of blocks",
    async step() {
      if (clock.monotonicMs() - lookedMs < options.lookMs) return false;
      for await (const { block, row } of blockRows(group.state, at)) {
        at = block;
        if (rests.has(block)) continue;
        try {
          using claim = context.claims?.take(block);
          if (context.claims !== undefined && claim === undefined) continue;
          const did = await tend(context, options, block, row);
          if (!did) continue;
          rests.forget(block);
          return true;
        } catch (error) {
          if (!(error instanceof QuarryError)) throw error;
          if (rests.failed(block))
            context.report(`block ${block} keeps its layout for now: ${error.message}`);
        }
      }
      lookedMs = clock.monotonicMs();
      at = 0 as BlockId;
      return false;
    },
  };
}

/** True when that was something. */
async function tend(
  context: WorkContext,
  options: ConversionOptions,
  block: BlockId,
  row: BlockRow,
): Promise<boolean> {
  if (row.before !== undefined) {
    await finishConversion(context, block, row);
    return true;
  }
  const map = await options.map.get();
  const pool = map.pools.find(({ id }) => id === row.pool);
  const held = heldBy(options, block, row);
  const wanted = pool && wantedOf(row, pool, logTime(context), held, options.garbageShare);
  if (wanted === undefined || held?.needles === 0) return false;
  return await convert(context, options, block, row, wanted);
}

/** What the first member that was heard says. */
function heldBy(
  { stock }: ConversionOptions,
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
  { state, swept, sealedMs = 0, layout = "whole", scheme = WHOLE }: BlockRow,
  { cold, scheme: usual }: Pool,
  nowMs: number,
  held: Held | undefined,
  garbageShare: number,
): Wanted | undefined {
  if (state !== "settled" || layout === "split") return undefined;
  if (cold === undefined)
    return layout === "striped" && usual.k === 1 ? { layout: "whole", scheme: usual } : undefined;
  const stripes: Wanted = { layout: "striped", scheme: cold.scheme };
  if (layout === "striped") {
    const isOther = cold.scheme.k !== scheme.k || cold.scheme.m !== scheme.m;
    const isWorthIt = held !== undefined && garbageShareOf(held, scheme) >= garbageShare;
    return isOther || isWorthIt ? stripes : undefined;
  }
  return swept === true && nowMs - sealedMs >= cold.afterMs ? stripes : undefined;
}

/** What a member keeps of each needle beside its record: columns, details, checksum. */
const TABLE_BYTES = 32;

/** A member tells of all needles, and has a k-th of them. */
function garbageShareOf({ fileBytes, liveBytes, needles }: Held, { k }: PoolScheme): number {
  const rangeBytes = Math.max(fileBytes - needles * TABLE_BYTES, 1);
  return 1 - liveBytes / (rangeBytes * k);
}

/** False when its members do not agree: who lacks something, or has missed a removal, comes first. */
async function convert(
  context: WorkContext,
  options: ConversionOptions,
  block: BlockId,
  row: BlockRow,
  wanted: Wanted,
): Promise<boolean> {
  const { group, blocks, report } = context;
  const { generation, layout = "whole", scheme = WHOLE } = row;
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
  const by = targets.find((device) => sources.includes(device)) ?? targets[0];
  if (by === undefined) return false;
  const converting = blocks.convert({
    ...{ device: by, block, generation, scheme, layout },
    ...{ sources: await placed(row.members), to: wanted, targets: await placed(targets) },
  });
  const { encoding } = await converting.catch(async (error: unknown) => {
    // Only now: once it is proposed, nobody can tell that it is not needed.
    await drop(context, block, to, targets);
    throw error;
  });
  const members = targets;
  await group.propose({
    ...{ type: "convertBlock", block, from: generation, to, ...wanted, encoding, members },
  });
  await finishConversion(context, block, {
    ...{ ...row, ...wanted, generation: to, members, encoding },
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
