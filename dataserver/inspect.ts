/** Reads the block files of a device that nobody serves, and changes nothing: for checks and for rescue. */
import type { Disk } from "../base/disk.ts";
import { readIdentity } from "../base/identity.ts";
import type { BlockId, DeviceId, NeedleId } from "../base/ids.ts";
import { blockPath, indexPath, storedFile } from "./file-names.ts";
import { readCheckpoint } from "./index-file.ts";
import { NeedleIndex } from "./needle-index.ts";
import { decodeHeader, HEADER_BYTES, type RecordHeader, seedOfBlock } from "./record.ts";
import type { Damage } from "./report.ts";
import type { StripedSuperblock } from "./striped/format.ts";
import { inspectStriped, ownersInStripe } from "./striped/inspect-striped.ts";
import type { Stripe } from "./striped/stripe.ts";
import { decodeSuperblock, isStriped, SUPERBLOCK_BYTES, type Superblock } from "./superblock.ts";
import { type Step, walk } from "./walk.ts";

export interface InspectedBlock {
  readonly disk: Disk;
  readonly path: string;
  readonly block: BlockId;
  /** Undefined when it is lost: then nothing of the block can be read. */
  readonly superblock: Superblock | undefined;
  readonly index: NeedleIndex;
  readonly sealed: boolean;
  readonly damage: readonly Damage[];
  /** Needles of which some bytes are damaged. */
  readonly harmed: ReadonlySet<NeedleId>;
  readonly fileBytes: number;
  /** Of a striped block. */
  readonly stripe?: Stripe;
}

/** Of a striped block. */
export interface StripedMember extends InspectedBlock {
  readonly superblock: StripedSuperblock;
  readonly stripe: Stripe;
}

export function isStripedMember(block: InspectedBlock): block is StripedMember {
  return block.stripe !== undefined;
}

export type OnNeedle = (at: InspectedBlock["path"], header: RecordHeader, block: BlockId) => void;

/** The device that a folder is, and its blocks in their order. */
export async function deviceIn(
  disk: Disk,
  directory: string,
): Promise<{ readonly device: DeviceId | undefined; readonly blocks: readonly BlockId[] }> {
  const identity = await readIdentity(disk, directory);
  const blocks = (await disk.list(directory)).flatMap((name) => {
    const file = storedFile(name);
    return file?.kind === "block" ? [file.block] : [];
  });
  return {
    device: identity?.kind === "device" ? (identity.id as DeviceId) : undefined,
    blocks: blocks.toSorted((a, b) => a - b),
  };
}

/** Walks through all records of a block and checks every byte that was synced. */
export async function inspectBlock(
  disk: Disk,
  directory: string,
  block: BlockId,
  onNeedle: OnNeedle,
): Promise<InspectedBlock> {
  const path = blockPath(directory, block);
  await using file = await disk.open(path, "read");
  const fileBytes = await file.lengthBytes();
  const head = Buffer.alloc(SUPERBLOCK_BYTES);
  await file.read(head, 0);
  const own = decodeSuperblock(head, path);
  const checkpoint = await readCheckpoint(disk, indexPath(directory, block));
  const copy = typeof checkpoint === "string" ? undefined : checkpoint.superblock;
  const superblock = own?.block === block ? own : copy?.block === block ? copy : undefined;
  const harmed = new Set<NeedleId>();
  const damage: Damage[] = [];
  const index = NeedleIndex.open();
  const found = { disk, path, block, superblock, index, damage, harmed, fileBytes };
  if (own?.block !== block) damage.push({ offset: 0, lengthBytes: SUPERBLOCK_BYTES });
  if (superblock === undefined) return { ...found, sealed: false };
  const covers = typeof checkpoint === "string" ? 0 : checkpoint.coversBytes;
  const isCovered = copy?.salt === superblock.salt;
  let durable = isCovered ? covers : 0;
  if (isStriped(superblock)) {
    const inspected = await inspectStriped(file, superblock, durable);
    const lost = [{ offset: 0, lengthBytes: fileBytes }];
    if (inspected === undefined) return { ...found, damage: lost, sealed: true };
    const { stripe, index: needles } = inspected;
    for await (const header of ownersInStripe(file, stripe, needles)) onNeedle(path, header, block);
    return { ...found, ...inspected, sealed: true };
  }
  let sealed = false;
  const doubtful: Step[] = [];
  const walked = { file, block, seed: seedOfBlock(superblock), to: fileBytes };
  for await (const step of walk({ ...walked, from: SUPERBLOCK_BYTES })) {
    durable = Math.max(durable, step.footer?.syncedBytes ?? 0);
    if (step.bad.length > 0) doubtful.push(step);
    const { header } = step;
    if (header?.kind === "seal") sealed = true;
    if (header?.kind === "tombstone") index.remove(header.needle);
    // A record without its end is one that a crash tore, or damage: what can be read of it counts.
    if (header?.kind !== "needle" || step.footer === undefined) continue;
    index.add(header.needle, step.offset, header.lengthBytes);
    if (step.bad.length > 0) harmed.add(header.needle);
    onNeedle(path, header, block);
  }
  // What was never synced is no damage (recover.ts).
  for (const { offset, bad, blank } of doubtful)
    if (offset < durable && blank !== true) damage.push(...bad);
  if (fileBytes < durable) damage.push({ offset: fileBytes, lengthBytes: durable - fileBytes });
  return { ...found, sealed };
}

const HEADS_BYTES = 256 * 1024;

/** Owners of the needles that are there, in the file's order. */
export async function* ownersIn({
  disk,
  path,
  index,
  superblock,
  stripe,
}: InspectedBlock): AsyncGenerator<RecordHeader> {
  if (superblock === undefined) return;
  await using file = await disk.open(path, "read");
  if (stripe !== undefined) {
    yield* ownersInStripe(file, stripe, index);
    return;
  }
  const seed = seedOfBlock(superblock);
  let window = Buffer.alloc(0);
  let windowAt = 0;
  for (const { offset, needle } of index.inFileOrder(0)) {
    if (offset + HEADER_BYTES > windowAt + window.length) {
      const bytes = Buffer.allocUnsafe(HEADS_BYTES);
      window = bytes.subarray(0, await file.read(bytes, offset));
      windowAt = offset;
    }
    const header = decodeHeader(seed, offset, window, offset - windowAt);
    if (header?.needle === needle) yield header;
  }
}
