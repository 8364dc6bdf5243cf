/**
 * Makes one member of a block anew in a file beside, from the other members and from what is good of
 * it here: asks what they hold, takes it window by window, makes it durable, reads it back, and only
 * then puts it in its place (INV-7). A crash leaves a file that the next start removes.
 */
import { QuarryError } from "../../base/errors.ts";
import type { DeviceId, NeedleId, Term } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Codec } from "../../erasure/codec.ts";
import type { RebuildOrder, Rebuilt } from "../../rpc/healing-service.ts";
import { BlockFileWriter, readBack } from "../block-file.ts";
import type { Device } from "../device.ts";
import { rebuiltPath } from "../file-names.ts";
import { Pace } from "../pace.ts";
import { BARE_RECORD_BYTES } from "../record.ts";
import { SUPERBLOCK_BYTES, type Superblock } from "../superblock.ts";
import { Gatherer } from "./gather.ts";
import { checkPlace, ownOf, place } from "./place.ts";
import { type Plan, planFrom, windows } from "./plan.ts";
import { askAll, type Source } from "./sources.ts";

export interface RebuildRun {
  readonly order: RebuildOrder;
  /** Of the latest leader that ordered it. */
  term: Term | undefined;
  readonly signal: AbortSignal;
  needles: number;
  needlesDone: number;
  bytes: number;
  bytesDone: number;
}

interface Work {
  readonly device: Device;
  readonly run: RebuildRun;
  readonly plan: Plan;
  readonly sources: readonly Source[];
  /** Bit s: source s is this device itself. */
  readonly own: number;
  readonly pace: Pace;
  readonly codec: Codec | undefined;
  /** Bytes so far. */
  readonly moved: { read: number; written: number };
}

/** `others` are the sources of the order; `codec` is for k > 1. */
export async function rebuild(
  device: Device,
  run: RebuildRun,
  others: readonly Source[],
  codec: Codec | undefined,
): Promise<Rebuilt> {
  const { order, signal } = run;
  const { options, directory, parts } = device;
  await device.ordered({ ...order, ...termOf(run) }, () => checkPlace(device, order));
  const own = ownOf(device, order);
  const { sources, inventories, unasked } = await askAll([...own, ...others], order.scheme);
  checkEnough(order, sources);
  const plan = planFrom(inventories);
  run.needles = plan.count;
  run.bytes = plan.bytes;
  const fileBytes = SUPERBLOCK_BYTES + plan.bytes + (plan.removed.length + 1) * BARE_RECORD_BYTES;
  await parts.space.ask();
  if (!(await parts.space.take(fileBytes)))
    throw new QuarryError("DiskFull", `no room on ${directory} to make block ${order.block} anew`);
  const work: Work = {
    ...{ device, run, plan, sources, codec, own: own.length > 0 ? 1 : 0 },
    pace: new Pace(options.clock, order.bytesPerSecond, signal),
    moved: { read: 0, written: 0 },
  };
  const path = rebuiltPath(directory, order.block);
  await options.disk.remove(path);
  try {
    const { made, lost } = await build(work, path);
    const status = await device.ordered({ ...order, ...termOf(run) }, () =>
      place(device, path, made),
    );
    return answer(work, status, lost, unasked);
  } catch (error) {
    await options.disk.remove(path).catch(() => undefined); // the next start removes it
    throw error;
  }
}

const termOf = ({ term }: RebuildRun) => (term === undefined ? {} : { term });

function answer(
  { moved, plan }: Work,
  status: Rebuilt["status"],
  lost: readonly number[],
  unasked: readonly DeviceId[],
): Rebuilt {
  const named = lost.slice(0, limits.lostNamed).map((row) => plan.ids[row] as NeedleId);
  return {
    ...{ status, readBytes: moved.read, writtenBytes: moved.written },
    ...{ lost: named, lostCount: lost.length, unasked },
  };
}

/** Who has the piece itself, or k others. */
function checkEnough({ block, piece, scheme }: RebuildOrder, sources: readonly Source[]): void {
  const pieces = new Set(sources.map((source) => source.piece));
  if (scheme.k === 1 ? pieces.size > 0 : pieces.has(piece) || pieces.size >= scheme.k) return;
  throw new QuarryError(
    "TooFewPieces",
    `block ${block} has ${scheme.k} + ${scheme.m} pieces, and ${pieces.size} could be asked`,
  );
}

async function build(work: Work, path: string) {
  const { device, run, pace, moved } = work;
  const { block, generation, piece, scheme } = run.order;
  const { disk, clock, random } = device.options;
  const createdMs = clock.nowMs();
  const salt = random.u32();
  const superblock: Superblock = { block, generation, salt, piece, ...scheme, createdMs };
  await using file = await disk.open(path, "create");
  const writer = new BlockFileWriter(file, superblock);
  const lost = await writeNeedles(work, writer);
  for (const needle of await removedByNow(work)) {
    writer.remove(needle);
    if (writer.gatheredBytes >= limits.copyBytes) await writer.flush();
  }
  const fileBytes = await writer.seal();
  moved.written = fileBytes;
  const index = await readBack(file, superblock, fileBytes, (bytes) => pace.spend(bytes));
  if (index.live !== writer.index.live || index.digest !== writer.index.digest)
    throw new QuarryError("Damaged", `${path} was read back with other needles than written`);
  index.sort();
  return { made: { superblock, index, fileBytes }, lost };
}

/** Window by window: while one is written the next is on its way. Resolves with rows that are lost. */
async function writeNeedles(work: Work, writer: BlockFileWriter): Promise<number[]> {
  const { run, plan, sources, pace, moved, codec } = work;
  const { block, piece, scheme } = run.order;
  const spend = async (bytes: number) => {
    moved.read += bytes;
    await pace.spend(bytes);
  };
  const from = { block, piece, k: scheme.k, plan, sources, spend };
  const gatherer = new Gatherer({ ...from, ...(codec && { codec }) });
  const lost: number[] = [];
  const rows = windows(plan, limits.fetchBytes, limits.fetchNeedles);
  const ahead = () => {
    const window = rows.next().value;
    const coming = window && gatherer.window(window);
    coming?.catch(() => undefined); // told when its turn comes
    return coming;
  };
  for (let coming = ahead(); coming !== undefined; ) {
    using gathered = await coming;
    checkGoesOn(run);
    coming = ahead();
    try {
      checkLost(work, gathered.lost);
      lost.push(...gathered.lost);
      for (const needle of gathered.needles) writer.put(needle);
      await pace.spend(writer.gatheredBytes);
      await writer.flush();
    } catch (error) {
      (await coming?.catch(() => undefined))?.[Symbol.dispose]();
      throw error;
    }
    run.needlesDone += gathered.needles.length;
    run.bytesDone = writer.endBytes;
  }
  return lost;
}

function checkGoesOn({ signal, order }: RebuildRun): void {
  if (signal.aborted)
    throw new QuarryError("Cancelled", `block ${order.block} goes, or the server`);
}

/** What this device has of a needle is not given up for a block without it. */
function checkLost({ plan, own, run }: Work, lost: readonly number[]): void {
  const row = lost.find((one) => ((plan.holders[one] ?? 0) & own) !== 0);
  if (row === undefined) return;
  const name = (plan.ids[row] ?? 0n).toString(16).padStart(16, "0");
  throw new QuarryError(
    "TooFewPieces",
    `needle ${name} of block ${run.order.block} cannot be made anew; the block stays as it is`,
  );
}

/** Asked for again at the end: removals did not wait. */
async function removedByNow({ plan, sources, run }: Work): Promise<Iterable<NeedleId>> {
  const { inventories } = await askAll(sources, run.order.scheme);
  const now = planFrom(inventories).removed;
  return new Set([...plan.removed, ...now]) as Set<NeedleId>;
}
