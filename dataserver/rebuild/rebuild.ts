/**
 * Makes one member of a block anew in a file beside, from the other members and from what is good of
 * it here: asks what they hold, takes it window by window, makes it durable, reads it back, and only
 * then puts it in its place (INV-7). A crash leaves a file that the next start removes.
 */
import { QuarryError, unreachable } from "../../base/errors.ts";
import type { NeedleId, Term } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Codec } from "../../erasure/codec.ts";
import type { RebuildOrder, Rebuilt } from "../../rpc/healing-service.ts";
import type { Device } from "../device.ts";
import { rebuiltPath } from "../file-names.ts";
import { Pace } from "../pace.ts";
import { BARE_RECORD_BYTES } from "../record.ts";
import { RecordWriter } from "../record-writer.ts";
import { SUPERBLOCK_BYTES, type Superblock } from "../superblock.ts";
import { ahead } from "./ahead.ts";
import { copyFrom } from "./copy.ts";
import { decodeFrom } from "./decode.ts";
import { Gatherer, type LostRow } from "./gather.ts";
import { Making } from "./making.ts";
import { checkPlace, ownOf, place } from "./place.ts";
import { type Plan, planFrom } from "./plan.ts";
import { readBack } from "./read-back.ts";
import { windows } from "./runs.ts";
import { type AskedSource, askAll, haveChanged, type Source } from "./sources.ts";
import { wayOf } from "./way.ts";

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
  readonly sources: readonly AskedSource[];
  /** Bit s: source s is this device itself. */
  readonly own: number;
  /** Those that have the very piece that gives way here, which is another one than is made. */
  readonly alike: number;
  readonly mayLose: ReadonlySet<bigint>;
  readonly pace: Pace;
  readonly codec: Codec | undefined;
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
  // What gives way is asked last: so it shows whether others have what it has.
  const isReplaced = own.some(({ piece }) => piece !== order.piece);
  const all = isReplaced ? [...others, ...own] : [...own, ...others];
  const { sources, inventories, unasked } = await askAll(all, order.scheme);
  checkEnough(order, sources);
  const plan = planFrom(inventories);
  run.needles = plan.count;
  run.bytes = plan.bytes;
  const fileBytes = SUPERBLOCK_BYTES + plan.bytes + (plan.removed.length + 1) * BARE_RECORD_BYTES;
  await parts.space.ask();
  if (!(await parts.space.take(fileBytes)))
    throw new QuarryError("DiskFull", `no room on ${directory} to make block ${order.block} anew`);
  const work: Work = {
    ...{ device, run, plan, sources, codec, ...ownBits(sources, own[0], isReplaced) },
    mayLose: new Set(order.mayLose),
    pace: new Pace(options.clock, order.bytesPerSecond, signal),
  };
  const path = rebuiltPath(directory, order.block);
  await options.disk.remove(path);
  try {
    const { made, lost, readBytes } = await build(work, path);
    const status = await device.ordered({ ...order, ...termOf(run) }, () =>
      place(device, path, made),
    );
    return { status, readBytes, writtenBytes: made.fileBytes, ...told(work, lost), unasked };
  } catch (error) {
    await options.disk.remove(path).catch(() => undefined); // the next start removes it
    throw error;
  }
}

function ownBits(sources: readonly Source[], own: Source | undefined, isReplaced: boolean) {
  const bitsOf = (which: (source: Source) => boolean) =>
    sources.reduce((bits, source, s) => (which(source) ? bits | (1 << s) : bits), 0);
  const isOwn = ({ peer }: Source) => peer === own?.peer;
  return {
    own: bitsOf(isOwn),
    alike: bitsOf((source) => isReplaced && !isOwn(source) && source.piece === own?.piece),
  };
}

const termOf = ({ term }: RebuildRun) => (term === undefined ? {} : { term });

function told({ plan }: Work, lost: readonly number[]) {
  const named = lost.slice(0, limits.lostNamed).map((row) => plan.ids[row] as NeedleId);
  return { lost: named, lostCount: lost.length };
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
  const { device, run, pace, plan } = work;
  const { block, generation, piece, scheme } = run.order;
  const { disk, clock, random } = device.options;
  const createdMs = clock.nowMs();
  const salt = random.u32();
  const superblock: Superblock = { block, generation, salt, piece, ...scheme, createdMs };
  await using file = await disk.open(path, "create");
  const writer = new RecordWriter(file, superblock);
  const making = new Making({ plan, writer, run, pace });
  try {
    await fillFrom(work, making);
    const lost = await writeLeft(work, making);
    const removed = await removedByNow(work);
    for (const needle of removed) {
      writer.remove(needle as NeedleId);
      if (writer.gatheredBytes >= limits.copyBytes) await writer.flush();
    }
    const fileBytes = await writer.seal();
    const made = { file, superblock, fileBytes, tombstones: removed.length };
    // Both, so that nothing uses the file when it is closed.
    const ends = [file.sync(), readBack(made, making, (bytes) => pace.spend(bytes))];
    for (const end of await Promise.allSettled(ends))
      if (end.status === "rejected") throw end.reason;
    const index = making.index(removed);
    return {
      made: { superblock, index, fileBytes, lost: new Set(lost.map((row) => plan.ids[row] ?? 0n)) },
      lost,
      readBytes: making.readBytes,
    };
  } finally {
    await writer.written().catch(() => undefined); // whoever wrote was told
  }
}

/** What can be had in whole runs of records. */
async function fillFrom({ run, plan, sources, own, codec }: Work, making: Making): Promise<void> {
  const way = wayOf(run.order, plan, sources, own !== 0);
  switch (way.kind) {
    case "copy":
      return await copyFrom(making, way.from);
    case "decode":
      if (codec !== undefined) await decodeFrom(making, codec, way.columns);
      return;
    case "needles":
      return;
    default:
      unreachable(way);
  }
}

/** The rest, needle by needle: while one window is written the next is on its way. Rows that are lost. */
async function writeLeft(work: Work, making: Making): Promise<number[]> {
  const { run, plan, sources, codec } = work;
  const { block, piece, scheme } = run.order;
  const spend = (bytes: number) => making.read(bytes);
  const from = { block, piece, k: scheme.k, plan, sources, spend };
  const gatherer = new Gatherer({ ...from, ...(codec && { codec }) });
  const lost: number[] = [];
  const rows = windows(plan, making.left, limits.fetchBytes, limits.fetchNeedles);
  const begun = map(rows, (window) => ({
    bytes: limits.fetchBytes,
    coming: gatherer.window(window),
  }));
  for await (const one of ahead(begun, limits.fetchBytes, (late) => late[Symbol.dispose]())) {
    using gathered = one;
    making.check();
    checkLost(work, gathered.lost);
    for (const { row } of gathered.lost) lost.push(row);
    await making.put(gathered.needles);
  }
  return lost;
}

function* map<T, U>(items: Iterable<T>, make: (item: T) => U): Generator<U> {
  for (const item of items) yield make(item);
}

/**
 * What this device has of a needle is not given up for a block without it, unless the leader says so,
 * or the same was found to be good at another.
 */
function checkLost({ plan, own, alike, run, mayLose }: Work, lost: readonly LostRow[]): void {
  const isKept = ({ row, from }: LostRow) =>
    ((plan.holders[row] ?? 0) & own) !== 0 &&
    (from & alike) === 0 &&
    !mayLose.has(plan.ids[row] ?? 0n);
  const kept = lost.find(isKept);
  if (kept === undefined) return;
  const name = (plan.ids[kept.row] ?? 0n).toString(16).padStart(16, "0");
  throw new QuarryError(
    "TooFewPieces",
    `needle ${name} of block ${run.order.block} cannot be made anew; the block stays as it is`,
  );
}

/** Asked for again at the end: removals did not wait. Ascending. */
async function removedByNow({ plan, sources, run }: Work): Promise<BigUint64Array> {
  if (!(await haveChanged(sources))) return plan.removed;
  const { inventories } = await askAll(sources, run.order.scheme);
  const all = new Set([...plan.removed, ...planFrom(inventories).removed]);
  return BigUint64Array.from(all).sort();
}
