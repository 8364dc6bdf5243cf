/**
 * Opens a block after a stop of any kind: takes the index checkpoint, walks the records behind it
 * and decides what a bad one means.
 *
 * Before `durable` (what the checkpoint covers or a later record says was synced) bad bytes are
 * damage: kept, reported, never served, and what follows them stays. The first bad bytes behind
 * it are the tail that a crash tore; nothing acknowledged can stand there or later.
 */
import type { Disk, DiskFile } from "../base/disk.ts";
import { unreachable } from "../base/errors.ts";
import type { BlockId } from "../base/ids.ts";
import { rewrite } from "../base/rewrite.ts";
import { type Checkpoint, readCheckpoint, writeCheckpoint } from "./index-file.ts";
import { emptyRows, NeedleIndex } from "./needle-index.ts";
import { seedOfBlock } from "./record.ts";
import type { Damage, Report } from "./report.ts";
import { Stripe } from "./striped/stripe.ts";
import { decodeSuperblock, isStriped, SUPERBLOCK_BYTES, type Superblock } from "./superblock.ts";
import { type Step, walk } from "./walk.ts";

export interface RecoveredBlock {
  readonly superblock: Superblock;
  readonly index: NeedleIndex;
  readonly sealed: boolean;
  /** End of the last record; everything before it is on the disk. */
  readonly tailBytes: number;
  readonly damage: readonly Damage[];
  readonly stripe?: Stripe;
}

export interface RecoverOptions {
  readonly disk: Disk;
  readonly blockPath: string;
  readonly indexPath: string;
  readonly block: BlockId;
  readonly report: Report;
}

/** What is known of the block so far. */
interface Progress {
  readonly index: NeedleIndex;
  readonly damage: Damage[];
  sealed: boolean;
  durableBytes: number;
  tailBytes: number;
  /** There were records behind the checkpoint. */
  moved: boolean;
  /** The checkpoint lacks something. */
  changed: boolean;
}

/** The block, or undefined when its superblock is lost; then nothing of it can be read. */
export async function recoverBlock(options: RecoverOptions): Promise<RecoveredBlock | undefined> {
  const { disk, blockPath, indexPath, block } = options;
  await using file = await disk.open(blockPath, "write");
  const head = Buffer.alloc(SUPERBLOCK_BYTES);
  await file.read(head, 0);
  const found = decodeSuperblock(head, blockPath);
  const own = found?.block === block ? found : undefined;
  const checkpoint = await usableCheckpoint(options, own);
  const superblock = own ?? checkpoint?.superblock;
  const stripe =
    superblock && isStriped(superblock) ? await Stripe.read(file, superblock) : undefined;
  const progress = begin(checkpoint, stripe);
  if (own === undefined)
    noteDamage(options, progress, { offset: 0, lengthBytes: SUPERBLOCK_BYTES }, "the superblock");
  if (superblock === undefined) return undefined;
  if (isStriped(superblock) && stripe === undefined) return undefined;

  await walkBehind(options, file, superblock, progress);
  if (progress.sealed) progress.index.sort();
  const { index, sealed, tailBytes, damage } = progress;
  if (progress.changed) {
    const rows = stripe === undefined ? index.sortedRows() : emptyRows(0);
    const coversBytes = tailBytes;
    await writeCheckpoint(disk, indexPath, { superblock, sealed, coversBytes, damage, rows });
  }
  return { superblock, index, sealed, tailBytes, damage, ...(stripe && { stripe }) };
}

function begin(checkpoint: Checkpoint | undefined, stripe: Stripe | undefined): Progress {
  if (stripe !== undefined) return beginStriped(checkpoint, stripe);
  const tailBytes = checkpoint?.coversBytes ?? SUPERBLOCK_BYTES;
  return {
    index: indexFrom(checkpoint),
    damage: [...(checkpoint?.damage ?? [])],
    sealed: checkpoint?.sealed ?? false,
    durableBytes: tailBytes,
    tailBytes,
    moved: false,
    changed: checkpoint === undefined,
  };
}

/** What it holds stands in its tables; every record behind them is walked. */
function beginStriped(checkpoint: Checkpoint | undefined, stripe: Stripe): Progress {
  const { recordsAt } = stripe.geometry;
  return {
    index: NeedleIndex.sorted(stripe.rows),
    damage: [...(checkpoint?.damage ?? [])],
    sealed: true,
    durableBytes: Math.max(recordsAt, checkpoint?.coversBytes ?? 0),
    tailBytes: recordsAt,
    moved: false,
    changed: checkpoint === undefined,
  };
}

function indexFrom(checkpoint: Checkpoint | undefined): NeedleIndex {
  if (checkpoint === undefined) return NeedleIndex.open();
  const { sealed, rows } = checkpoint;
  return sealed ? NeedleIndex.sorted(rows) : NeedleIndex.openWith(rows);
}

/** The checkpoint if it is whole and speaks of this very file. */
async function usableCheckpoint(
  { disk, indexPath, block, report }: RecoverOptions,
  own: Superblock | undefined,
): Promise<Checkpoint | undefined> {
  const found = await readCheckpoint(disk, indexPath);
  if (found === "missing") return undefined;
  if (found === "damaged") {
    const message = `${indexPath} is damaged; it is made anew from the block`;
    report({ kind: "index-rebuilt", path: indexPath, message });
    return undefined;
  }
  // After a switch or a new creation the checkpoint of the file before may still be there.
  const mine = found.superblock.block === block;
  return mine && (own === undefined || found.superblock.salt === own.salt) ? found : undefined;
}

/** Takes in the records behind the checkpoint, and leaves the file without a torn tail. */
async function walkBehind(
  options: RecoverOptions,
  file: DiskFile,
  superblock: Superblock,
  progress: Progress,
): Promise<void> {
  const fileBytes = await file.lengthBytes();
  if (fileBytes < progress.durableBytes) {
    const lost = { offset: fileBytes, lengthBytes: progress.durableBytes - fileBytes };
    noteDamage(options, progress, lost, "the end of the file");
    if (fileBytes <= progress.tailBytes) return;
  }
  const walked = { file, block: superblock.block, seed: seedOfBlock(superblock) };
  // Steps from the first doubtful one on: a later record decides what it was.
  const doubtful: Step[] = [];
  for await (const step of walk({ ...walked, from: progress.tailBytes, to: fileBytes })) {
    if (step.footer !== undefined)
      progress.durableBytes = Math.max(progress.durableBytes, step.footer.syncedBytes);
    doubtful.push(step);
    settle(options, progress, doubtful);
  }
  const torn = doubtful.find((step) => step.blank !== true);
  if (torn !== undefined) reportTorn(options, torn.offset, fileBytes);
  if (torn !== undefined || (progress.sealed && fileBytes > progress.tailBytes))
    await file.truncate(progress.tailBytes);
  await rewrite(file, progress.durableBytes, progress.tailBytes);
  if (progress.moved || torn !== undefined) await file.sync();
}

/** Takes in steps from the front as far as their meaning is certain. */
function settle(options: RecoverOptions, progress: Progress, doubtful: Step[]): void {
  let settled = 0;
  for (const step of doubtful) {
    const good = step.bad.length === 0;
    if (!good && step.offset >= progress.durableBytes) break;
    for (const bad of step.bad) noteDamage(options, progress, bad, "a record", step);
    if (step.header !== undefined) takeIn(progress, step.header, step.offset);
    progress.tailBytes = step.endOffset;
    progress.moved = true;
    progress.changed ||= step.header?.kind !== "mark";
    settled++;
  }
  doubtful.splice(0, settled);
}

function takeIn(progress: Progress, header: NonNullable<Step["header"]>, offset: number): void {
  switch (header.kind) {
    case "needle":
      progress.index.add(header.needle, offset, header.lengthBytes);
      return;
    case "tombstone":
      progress.index.remove(header.needle);
      return;
    case "seal":
      progress.sealed = true;
      return;
    case "mark":
      return;
    default:
      unreachable(header.kind);
  }
}

function noteDamage(
  { blockPath, report }: RecoverOptions,
  progress: Progress,
  damage: Damage,
  what: string,
  step?: Step,
): void {
  const needle = step?.header?.kind === "needle" ? step.header.needle : undefined;
  const message = `${what} of ${blockPath} is damaged: ${damage.lengthBytes} bytes at ${damage.offset}`;
  report({ kind: "damage", path: blockPath, ...damage, message, ...(needle && { needle }) });
  const known = progress.damage.some(
    (one) => one.offset === damage.offset && one.lengthBytes === damage.lengthBytes,
  );
  if (known) return;
  progress.damage.push(damage);
  progress.changed = true;
}

function reportTorn({ blockPath, report }: RecoverOptions, offset: number, end: number): void {
  const lengthBytes = end - offset;
  const message = `${blockPath} ended in a write that a crash tore; cut off at ${offset}`;
  report({ kind: "torn-tail", path: blockPath, offset, lengthBytes, message });
}
