/**
 * The blocks of one simulated device. What stands here is durable; a change is made by an effect
 * that the device applies when its write was synced, or that a crash applies or loses.
 */
import { QuarryError } from "../../base/errors.ts";
import type { BlockId, DeviceId, NeedleId } from "../../base/ids.ts";
import type { BlockAddress, BlockStatus, NeedleEntry } from "../../rpc/block-service.ts";

export interface SimNeedle extends NeedleEntry {
  /** Where it stands in the file; listings go by it, whatever is removed meanwhile. */
  readonly offset: number;
  readonly data: Uint8Array;
  readonly checksums: Uint32Array;
}

export interface SimBlock {
  readonly block: BlockId;
  readonly generation: number;
  sealed: boolean;
  fileBytes: number;
  readonly needles: Map<NeedleId, SimNeedle>;
  /** Removed from this generation: their ids are taken. */
  readonly tombstones: Set<NeedleId>;
  /** The next generation, complete and read back. */
  built: SimBlock | undefined;
}

/** Is told of every change that takes something away, as it becomes durable. */
export interface Witness {
  removed(device: DeviceId, block: SimBlock, needle: SimNeedle): void;
  switched(device: DeviceId, from: SimBlock, to: SimBlock): void;
  retired(device: DeviceId, block: SimBlock): void;
}

/** Beside its needles a file has a superblock; each needle and tombstone has a header and a footer. */
const SUPERBLOCK_BYTES = 64;
const RECORD_BYTES = 48;

export const recordBytes = (lengthBytes: number) => RECORD_BYTES + lengthBytes;

export function emptyBlock(block: BlockId, generation: number): SimBlock {
  const nothing = { sealed: false, fileBytes: SUPERBLOCK_BYTES, built: undefined };
  return { block, generation, ...nothing, needles: new Map(), tombstones: new Set() };
}

/** The next generation of a block: what lives in it now. */
export function rebuilt({ block, generation, needles }: SimBlock): SimBlock {
  const next = emptyBlock(block, generation + 1);
  next.sealed = true;
  for (const [id, needle] of needles) put(next, id, needle);
  return next;
}

export function put(block: SimBlock, id: NeedleId, needle: Omit<SimNeedle, "offset">): void {
  block.needles.set(id, { ...needle, offset: block.fileBytes });
  block.fileBytes += recordBytes(needle.lengthBytes);
}

export function remove(block: SimBlock, id: NeedleId): void {
  if (!block.needles.delete(id)) return;
  block.tombstones.add(id);
  block.fileBytes += recordBytes(0);
}

export function statusOf({ block, generation, sealed, needles, fileBytes }: SimBlock): BlockStatus {
  let liveBytes = 0;
  let digest = 0n;
  for (const [id, { lengthBytes }] of needles) {
    liveBytes += recordBytes(lengthBytes);
    digest ^= id;
  }
  return {
    ...{ block, generation, sealed, fileBytes, liveBytes, digest },
    ...{ needles: needles.size, damage: [] },
  };
}

/** The block of this very generation. Throws `NoSuchBlock`, `StaleGeneration`. */
export function blockAt(
  blocks: ReadonlyMap<BlockId, SimBlock>,
  { block, generation }: BlockAddress,
): SimBlock {
  const found = blocks.get(block);
  if (found === undefined) throw new QuarryError("NoSuchBlock", `there is no block ${block} here`);
  if (found.generation !== generation) throw stale(found, generation);
  return found;
}

export function stale({ block, generation }: SimBlock, wanted: number): QuarryError {
  return new QuarryError(
    "StaleGeneration",
    `block ${block} is at generation ${generation}, not ${wanted}`,
  );
}
