/**
 * Makes a member of a striped block anew: its range from the ranges of k others, its tables from any,
 * and tombstones of all that some member knows to be removed. As in rebuild.ts it is written beside,
 * made durable, read back, and only then put in its place.
 */
import type { DiskFile } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import { FREE, type NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Codec } from "../../erasure/codec.ts";
import type { Rebuilt } from "../../rpc/healing-service.ts";
import type { StripeBytes } from "../../rpc/stripe-service.ts";
import type { Device } from "../device.ts";
import { rebuiltPath } from "../file-names.ts";
import { NeedleIndex } from "../needle-index.ts";
import { Pace } from "../pace.ts";
import { checkPlace, type MadeBlock, place } from "../rebuild/place.ts";
import { planFrom } from "../rebuild/plan.ts";
import type { RebuildRun } from "../rebuild/rebuild.ts";
import { askAll } from "../rebuild/sources.ts";
import { BARE_RECORD_BYTES, encodeRecord, type RecordKind, seedOfBlock } from "../record.ts";
import { encodeSuperblock, SUPERBLOCK_BYTES } from "../superblock.ts";
import { walk } from "../walk.ts";
import { checkStripe } from "./check.ts";
import { encodeSpanSums, geometryOf, SPAN, type StripedSuperblock, spanSum } from "./format.ts";
import { Ranges } from "./ranges.ts";
import { Stripe } from "./stripe.ts";
import { ownStripe, readFrom, type StripeSource, tablesFrom } from "./stripe-sources.ts";

interface Work {
  readonly device: Device;
  readonly run: RebuildRun;
  readonly sources: readonly StripeSource[];
  readonly superblock: StripedSuperblock;
  readonly codec: Codec;
  readonly spend: (bytes: number) => Promise<void>;
  readonly moved: { read: number; written: number };
}

export async function rebuildStriped(
  device: Device,
  run: RebuildRun,
  others: readonly StripeSource[],
  codec: Codec,
): Promise<Rebuilt> {
  const { order, signal } = run;
  const { options, directory, parts } = device;
  const ordered = () => ({ ...order, ...(run.term !== undefined && { term: run.term }) });
  await device.ordered(ordered(), () => checkPlace(device, order));
  const { sources, head } = await ofOneEncoding([...ownStripe(device, order), ...others], run);
  const { unasked } = await askAll(others, order.scheme);
  const superblock = superblockOf(run, head);
  const fileBytes = geometryOf(superblock.stripe).recordsAt;
  await parts.space.ask();
  if (!(await parts.space.take(fileBytes)))
    throw new QuarryError("DiskFull", `no room on ${directory} to make block ${order.block} anew`);
  run.needles = head.needles;
  run.bytes = fileBytes;
  const pace = new Pace(options.clock, order.bytesPerSecond, signal);
  const moved = { read: 0, written: 0 };
  const spend = async (bytes: number) => {
    moved.read += bytes;
    await pace.spend(bytes);
  };
  const path = rebuiltPath(directory, order.block);
  await options.disk.remove(path);
  try {
    await using file = await options.disk.open(path, "create");
    const made = await build({ device, run, sources, superblock, codec, spend, moved }, file);
    const status = await device.ordered(ordered(), () => place(device, path, made));
    return {
      ...{ status, readBytes: moved.read, writtenBytes: moved.written },
      ...{ lost: [], lostCount: 0, unasked },
    };
  } catch (error) {
    await options.disk.remove(path).catch(() => undefined); // the next start removes it
    throw error;
  }
}

/** The encoding that most of them have, and who has it. */
async function ofOneEncoding(all: readonly StripeSource[], { order }: RebuildRun) {
  const heads = await Promise.all(
    all.map((source) =>
      readFrom(source, 0, 0).catch((error: unknown) => {
        if (!(error instanceof QuarryError)) throw error;
        return undefined;
      }),
    ),
  );
  const groups = new Map<number, { sources: StripeSource[]; head: StripeBytes }>();
  for (const [i, head] of heads.entries()) {
    const source = all[i];
    if (head === undefined || source === undefined || head.piece.piece !== source.piece) continue;
    const group = groups.get(head.encoding) ?? { sources: [], head };
    group.sources.push(source);
    groups.set(head.encoding, group);
  }
  const [best] = [...groups.values()].sort((a, b) => b.sources.length - a.sources.length);
  const pieces = new Set(best?.sources.map(({ piece }) => piece));
  if (best !== undefined && (pieces.size >= order.scheme.k || pieces.has(order.piece))) return best;
  throw new QuarryError(
    "TooFewPieces",
    `block ${order.block} takes ${order.scheme.k} members to make another, and ${pieces.size} could be asked`,
  );
}

function superblockOf({ order }: RebuildRun, head: StripeBytes): StripedSuperblock {
  const { block, generation, piece, scheme } = order;
  const { encoding: salt, createdMs, rangeBytes, needles, longSums } = head;
  const stripe = { rangeBytes, needles, longSums };
  return { ...{ block, generation, piece }, ...scheme, salt, createdMs, stripe };
}

async function build(work: Work, file: DiskFile): Promise<MadeBlock> {
  const { superblock, moved, spend } = work;
  const { columnsAt, recordsAt } = geometryOf(superblock.stripe);
  await file.write([encodeSuperblock(superblock)], 0);
  const sums = await writeRange(work, file);
  const tables = await tablesFrom(work.sources, superblock, spend);
  await file.write([tables, encodeSpanSums(superblock, sums)], columnsAt);
  const removed = await removedBy(work);
  let fileBytes = recordsAt;
  if (removed.length > 0) {
    const records = removed.map((needle) => ["tombstone", needle] as const);
    fileBytes = await writeRecords(file, superblock, records, fileBytes, 0);
    await file.sync();
    fileBytes = await writeRecords(file, superblock, [["mark", 0n]], fileBytes, fileBytes);
  }
  await file.sync();
  moved.written = fileBytes;
  const stripe = await readBack(file, superblock, fileBytes, removed.length);
  const index = NeedleIndex.sorted(stripe.rows);
  for (const needle of removed) index.remove(needle);
  return { superblock, index, fileBytes, stripe };
}

async function writeRange(work: Work, file: DiskFile): Promise<Uint32Array> {
  const { superblock, sources, codec, spend, run } = work;
  const { rangeBytes } = superblock.stripe;
  const { piece, salt: encoding } = superblock;
  const ranges = new Ranges({
    ...{ piece, codec },
    sources: sources.map((source) => ({
      piece: source.piece,
      async read(offset, lengthBytes) {
        const { data } = await readFrom(source, offset, lengthBytes, encoding);
        await spend(lengthBytes);
        return data;
      },
    })),
  });
  const room = Buffer.allocUnsafe(Math.min(limits.stripeWindowBytes, rangeBytes));
  const sums = new Uint32Array(Math.ceil(rangeBytes / SPAN));
  for (let from = 0; from < rangeBytes; from += room.length) {
    if (run.signal.aborted)
      throw new QuarryError("Cancelled", `block ${run.order.block} goes, or the server`);
    const bytes = room.subarray(0, Math.min(room.length, rangeBytes - from));
    await ranges.read(bytes, from);
    for (let at = 0; at < bytes.length; at += SPAN) {
      const span = (from + at) / SPAN;
      sums[span] = spanSum(superblock, span, bytes.subarray(at, at + SPAN));
    }
    await file.write([bytes], SUPERBLOCK_BYTES + from);
    run.bytesDone = SUPERBLOCK_BYTES + from + bytes.length;
  }
  return sums;
}

/** Asked at the end, since removals do not wait. */
async function removedBy({ sources, superblock }: Work): Promise<NeedleId[]> {
  const { inventories } = await askAll(sources, superblock);
  return [...planFrom(inventories).removed] as NeedleId[];
}

async function writeRecords(
  file: DiskFile,
  superblock: StripedSuperblock,
  records: readonly (readonly [RecordKind, bigint])[],
  from: number,
  syncedBytes: number,
): Promise<number> {
  const seed = seedOfBlock(superblock);
  const none = { checksums: new Uint32Array(0), syncedBytes };
  const parts = records.flatMap(([kind, needle], i) => {
    const header = { kind, lengthBytes: 0, needle: needle as NeedleId, blob: FREE, chunk: 0 };
    const { head, foot } = encodeRecord(seed, from + i * BARE_RECORD_BYTES, header, none);
    return [head, foot];
  });
  await file.write([Buffer.concat(parts)], from);
  return from + records.length * BARE_RECORD_BYTES;
}

async function readBack(
  file: DiskFile,
  superblock: StripedSuperblock,
  fileBytes: number,
  tombstones: number,
): Promise<Stripe> {
  const wrong = () => new QuarryError("Damaged", `${file.path} was read back with errors`);
  const stripe = await Stripe.read(file, superblock);
  if (stripe === undefined || (await file.lengthBytes()) !== fileBytes) throw wrong();
  await checkStripe(file, stripe, () => Promise.reject(wrong()));
  const from = stripe.geometry.recordsAt;
  const { block } = superblock;
  let found = 0;
  const steps = walk({ file, block, seed: seedOfBlock(superblock), from, to: fileBytes });
  for await (const { bad, header } of steps) {
    if (bad.length > 0) throw wrong();
    if (header?.kind === "tombstone") found++;
  }
  if (found !== tombstones) throw wrong();
  return stripe;
}
