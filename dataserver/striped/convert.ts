/**
 * Writes a settled block anew, as the next generation, in another layout: asks its members what they
 * hold, once, so that there is one list of needles and one order; reads them window by window; gives
 * each target its file. Needles that are removed meanwhile leave a hole. Nothing of the block as it is
 * is touched: a crash leaves files that were never switched to.
 */
import { QuarryError } from "../../base/errors.ts";
import type { NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Codec } from "../../erasure/codec.ts";
import { encodeWindows, type PieceSink, type PieceSource } from "../../erasure/windows.ts";
import { spanCount } from "../../rpc/needle-checksums.ts";
import type { PoolScheme } from "../../rpc/pool.ts";
import type { Converted, ConvertOrder } from "../../rpc/stripe-service.ts";
import { BlockFileWriter } from "../block-file.ts";
import type { Device } from "../device.ts";
import { emptyRows } from "../needle-index.ts";
import { Pace } from "../pace.ts";
import { Gatherer, type GatherOptions } from "../rebuild/gather.ts";
import { type Plan, planFrom } from "../rebuild/plan.ts";
import { inFileOrder, windows } from "../rebuild/runs.ts";
import { askAll } from "../rebuild/sources.ts";
import { seedOfBlock } from "../record.ts";
import { encodeSuperblock, SUPERBLOCK_BYTES, type Superblock } from "../superblock.ts";
import { encodeSpanSums, encodeTables, type StripedSuperblock, type Tables } from "./format.ts";
import { layOut, type StripeLayout } from "./layout.ts";
import { RangeStream } from "./range-stream.ts";
import { SplitGatherer, splitPlan } from "./split-needles.ts";
import { holdersOfRanges, type StripeSource } from "./stripe-sources.ts";
import { type Target, TargetFile } from "./targets.ts";

export interface ConvertContext {
  readonly device: Device;
  readonly order: ConvertOrder;
  readonly sources: readonly StripeSource[];
  readonly targets: readonly Target[];
  readonly codecOf: (scheme: PoolScheme) => Codec;
  readonly signal: AbortSignal;
}

interface Work extends ConvertContext {
  readonly plan: Plan;
  readonly pace: Pace;
  readonly gatherer: Pick<Gatherer, "window">;
  readonly superblock: Superblock;
  readonly moved: { read: number; written: number };
  /** XOR of the ids that were written. */
  digest: bigint;
  needles: number;
}

export async function convert(context: ConvertContext): Promise<Converted> {
  const { device, order, signal } = context;
  const { clock, random } = device.options;
  const { sources, inventories } = await askAll(context.sources, namedBy(order));
  if (sources.length < order.scheme.k)
    throw new QuarryError("TooFewPieces", `too few members of block ${order.block} could be asked`);
  const pace = new Pace(clock, order.bytesPerSecond, signal);
  const moved = { read: 0, written: 0 };
  const spend = async (bytes: number) => {
    moved.read += bytes;
    await pace.spend(bytes);
  };
  const { block, generation, to } = order;
  const reading = { block, sources: sources as readonly StripeSource[], spend };
  const { plan, gatherer } = await readerOf(context, reading, inventories);
  const superblock = {
    ...{ block, generation: generation + 1, salt: random.u32(), piece: 0 },
    ...{ ...to.scheme, createdMs: clock.nowMs() },
  };
  const counts = { digest: 0n, needles: 0 };
  const work: Work = { ...context, plan, pace, gatherer, superblock, moved, ...counts };
  if (to.layout === "striped") await writeStripes(work);
  else await writeWhole(work);
  return {
    ...{ encoding: superblock.salt, needles: work.needles },
    ...{ readBytes: moved.read, writtenBytes: moved.written },
  };
}

/** Of split blocks each member has its own piece. */
const namedBy = ({ layout, scheme }: ConvertOrder) =>
  layout === "split" ? scheme : { k: 1, m: 0 };

/** What is to be written, and the way to get it, whichever layout it stands in. */
async function readerOf(
  { order, codecOf }: ConvertContext,
  reading: Pick<GatherOptions, "block" | "spend"> & { readonly sources: readonly StripeSource[] },
  inventories: readonly Buffer[],
): Promise<Pick<Work, "plan" | "gatherer">> {
  const plan = planFrom(inventories);
  if (order.layout === "split") {
    const { scheme, chunks } = order;
    if (chunks === undefined)
      throw new QuarryError(
        "InvalidArgument",
        "split needles come with the lengths of their chunks",
      );
    const split = splitPlan(plan, scheme, chunks);
    const codec = codecOf(scheme);
    const gatherer = new SplitGatherer({ ...reading, scheme, codec, plan: split });
    return { plan: split.whole, gatherer };
  }
  const placed =
    order.layout === "striped" ? await holdersOfRanges(plan, reading.sources, inventories) : plan;
  return { plan: placed, gatherer: new Gatherer({ ...reading, piece: 0, k: 1, plan: placed }) };
}

function filesOf(work: Work, superblock: Superblock): TargetFile[] {
  const { targets, order, pace, moved } = work;
  const spend = async (bytes: number) => {
    moved.written += bytes;
    await pace.spend(bytes);
  };
  const staged = {
    generation: superblock.generation,
    ...(order.term !== undefined && { term: order.term }),
  };
  const inOrder = targets.toSorted((a, b) => a.piece - b.piece);
  return inOrder.map(
    (target) => new TargetFile(target, staged, { ...superblock, piece: target.piece }, spend),
  );
}

/** Counts a needle; one that is missing must have been removed meanwhile. */
async function account(work: Work, row: number, isThere: boolean): Promise<void> {
  const { plan, signal, order } = work;
  if (signal.aborted) throw new QuarryError("Cancelled", "the dataserver ends");
  const id = plan.ids[row] ?? 0n;
  if (isThere) {
    work.digest ^= id;
    work.needles++;
    return;
  }
  const { inventories } = await askAll(work.sources, namedBy(order));
  if (planFrom(inventories).removed.includes(id)) return;
  throw new QuarryError(
    "TooFewPieces",
    `needle ${id.toString(16).padStart(16, "0")} of block ${order.block} cannot be read: it is to be healed first`,
  );
}

async function writeStripes(work: Work): Promise<void> {
  const { plan, order, gatherer } = work;
  const codec = work.codecOf(order.to.scheme);
  const { k } = order.to.scheme;
  const layout = layOut({ ...plan, order: inFileOrder(plan) }, k);
  checkWorth(work, layout);
  const tables = tablesOf(plan, layout);
  const superblock: StripedSuperblock = {
    ...work.superblock,
    stripe: {
      ...{ rangeBytes: layout.rangeBytes, needles: plan.count },
      longSums: tables.longSums.length,
    },
  };
  const files = filesOf(work, superblock);
  await Promise.all(files.map((file) => file.append(encodeSuperblock(file.superblock))));
  let longSum = 0;
  const streams = layout.order.map(
    (rows) =>
      new RangeStream({
        ...{ rows, ids: plan.ids, lengths: plan.lengths, seed: seedOfBlock(superblock) },
        gather: (window) => gatherer.window(window),
        took: async (row, needle) => {
          await account(work, row, needle !== undefined);
          if (needle === undefined) {
            tables.rows.offset8[row] = 0;
            return;
          }
          tables.blobs[row] = needle.owner.blob;
          tables.chunks[row] = needle.owner.chunk;
          if (needle.checksums.length < 2) tables.sums[row] = needle.checksums[0] ?? 0;
          else {
            tables.sums[row] = longSum;
            tables.longSums.set(needle.checksums, longSum);
            longSum += needle.checksums.length;
          }
        },
      }),
  );
  const sources = streams.map(
    (stream, i): PieceSource => ({
      async read(target) {
        await stream.read(target);
        await files[i]?.appendRange(target);
        return target.length;
      },
    }),
  );
  const sinks = files.slice(k).map(
    (file): PieceSink => ({
      write: async ([bytes]) => {
        if (bytes !== undefined) await file.appendRange(bytes);
      },
    }),
  );
  const shape = { pieceBytes: layout.rangeBytes, windowBytes: limits.stripeWindowBytes };
  try {
    await encodeWindows(codec, sources, sinks, shape);
  } finally {
    for (const stream of streams) stream[Symbol.dispose]();
  }
  const bytes = encodeTables(superblock, tables);
  await Promise.all(files.map((file) => endStripe(file, superblock, bytes, work.digest)));
}

/** Few needles, or large ones, would leave most of some ranges empty. */
function checkWorth({ plan, order }: Work, { rangeBytes }: StripeLayout): void {
  const { k, m } = order.to.scheme;
  if (order.padded === true || rangeBytes * k <= plan.bytes * limits.stripePadding) return;
  throw new QuarryError(
    "Needless",
    `${k}+${m} ranges of ${rangeBytes} bytes for ${plan.bytes} bytes of needles are not worth it`,
  );
}

async function endStripe(
  file: TargetFile,
  { stripe }: StripedSuperblock,
  tables: Buffer,
  digest: bigint,
): Promise<void> {
  await file.append(tables);
  await file.append(encodeSpanSums({ ...file.superblock, stripe }, file.sums));
  await file.finish(digest);
}

/** What is known of the needles before any is read. */
function tablesOf({ count, ids, lengths }: Plan, layout: StripeLayout): Tables {
  const rows = emptyRows(count);
  let longSums = 0;
  for (let row = 0; row < count; row++) {
    const id = ids[row] ?? 0n;
    rows.high[row] = Number(id >> 32n);
    rows.low[row] = Number(id & 0xffffffffn);
    rows.lengths[row] = lengths[row] ?? 0;
    const range = layout.ranges[row] ?? 0;
    const place = SUPERBLOCK_BYTES + range * layout.rangeBytes + (layout.offsets[row] ?? 0);
    rows.offset8[row] = place / 8;
    const spans = spanCount(lengths[row] ?? 0);
    if (spans > 1) longSums += spans;
  }
  return {
    ...{ rows, blobs: new Float64Array(count), chunks: new Uint32Array(count) },
    ...{ sums: new Uint32Array(count), longSums: new Uint32Array(longSums) },
  };
}

/** Needles one behind the other, the same to every target. */
async function writeWhole(work: Work): Promise<void> {
  const { plan, gatherer, superblock } = work;
  const files = filesOf(work, superblock);
  const everywhere = {
    async write(parts: readonly Uint8Array[], offset: number) {
      const bytes = Buffer.concat(parts);
      await Promise.all(
        files.map((file) => {
          // Each has its own piece in its superblock.
          const own = offset === 0 ? encodeSuperblock(file.superblock) : undefined;
          return file.append(own ? Buffer.concat([own, bytes.subarray(own.length)]) : bytes);
        }),
      );
    },
    sync: async () => {},
  };
  const writer = new BlockFileWriter(everywhere, superblock);
  for (const window of windows(plan, inFileOrder(plan), limits.fetchBytes, limits.fetchNeedles)) {
    using gathered = await gatherer.window(window);
    const found = new Map(gathered.needles.map((one) => [one.needle, one]));
    for (const row of window) {
      const needle = found.get(plan.ids[row] as NeedleId);
      await account(work, row, needle !== undefined);
      if (needle !== undefined) writer.put(needle);
    }
    await writer.flush();
  }
  await writer.seal();
  await Promise.all(files.map((file) => file.finish(work.digest)));
}
