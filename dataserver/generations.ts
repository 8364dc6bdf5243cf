/**
 * A block comes, is rewritten, is switched to its next generation, goes. Each runs alone on its
 * block, and a crash in its middle leaves the state before or after.
 */
import { replaceWhole } from "../base/disk.ts";
import { QuarryError } from "../base/errors.ts";
import type { NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type {
  BlockAddress,
  BlockPiece,
  BlockStatus,
  RetireOrder,
  SwitchOrder,
} from "../rpc/block-service.ts";
import type { BlockKeeping } from "../rpc/pool.ts";
import { Block } from "./block.ts";
import { buildGeneration } from "./compact.ts";
import type { Device } from "./device.ts";
import { blockPath, builtPath, indexPath, stagedPath } from "./file-names.ts";
import { NeedleIndex } from "./needle-index.ts";
import { removeOvertaken } from "./overtaken.ts";
import { type RecoveredBlock, recoverBlock } from "./recover.ts";
import { switchToStaged } from "./striped/switch.ts";
import { encodeSuperblock, SUPERBLOCK_BYTES, type Superblock } from "./superblock.ts";

export function stale(block: Block, wanted: number): QuarryError {
  return new QuarryError(
    "StaleGeneration",
    `block ${block.superblock.block} is at generation ${block.generation}, not ${wanted}`,
  );
}

/** Makes an empty block. The same one stays as it is, as long as nothing was done with it. */
export async function create(
  device: Device,
  { block: id, generation }: BlockAddress,
  { piece, scheme }: BlockPiece = { piece: 0, scheme: { k: 1, m: 0 } },
  { blockBytes, durability }: BlockKeeping = {},
): Promise<void> {
  const { parts, options, directory } = device;
  const there = parts.blocks.get(id);
  if (there !== undefined && there.generation > generation) throw stale(there, generation);
  if (there?.generation === generation) {
    if (isAsMade(there, { piece, scheme })) return;
    throw new QuarryError(
      "InvalidArgument",
      `${directory} has another block ${id} of generation ${generation}: it was made while nobody could tell that this one is here`,
    );
  }
  if (there !== undefined || parts.unreadable.has(id))
    throw new QuarryError("InvalidArgument", `block ${id} is still there; retire it first`);
  const superblock: Superblock = {
    block: id,
    generation,
    salt: options.random.u32(),
    piece,
    ...scheme,
    createdMs: options.clock.nowMs(),
    ...(blockBytes !== undefined && { blockBytes }),
    ...(durability !== undefined && { durability }),
  };
  const path = blockPath(directory, id);
  await replaceWhole(options.disk, path, encodeSuperblock(superblock));
  const empty = { index: NeedleIndex.open(), sealed: false, damage: [] };
  const state = { superblock, ...empty, tailBytes: SUPERBLOCK_BYTES };
  parts.blocks.set(id, new Block(parts.home, path, indexPath(directory, id), state));
  parts.checks.made(id, generation, options.clock.nowMs());
  parts.news.changed(id);
}

/**
 * Of a block that a leader before made, or that metadata brought back from a copy do not know, the
 * piece may be another, and needles may live in it: nobody would read from it what is appended now.
 */
function isAsMade({ superblock, sealed, index }: Block, { piece, scheme }: BlockPiece): boolean {
  const { k, m } = superblock;
  const isSame = superblock.piece === piece && k === scheme.k && m === scheme.m;
  return isSame && !sealed && index.live === 0;
}

/** Builds the next generation beside the block; {@link switchTo} puts it in its place. */
export async function compact(device: Device, address: BlockAddress): Promise<BlockStatus> {
  const { options, parts, directory } = device;
  const block = device.blockAt(address);
  if (!block.sealed)
    throw new QuarryError("InvalidArgument", `block ${address.block} is open; seal it first`);
  if (block.stripe !== undefined)
    throw new QuarryError("InvalidArgument", `block ${address.block} is striped; convert it anew`);
  if (block.damage.length > 0)
    throw new QuarryError("Damaged", `block ${address.block} has damage; repair it, then compact`);
  await parts.space.ask();
  if ((await parts.space.now()).freeBytes < block.index.liveBytes + limits.copyBytes)
    throw new QuarryError("DiskFull", `no room on ${directory} to compact block ${address.block}`);
  const generation = block.generation + 1;
  const createdMs = options.clock.nowMs();
  const superblock = { ...block.superblock, generation, createdMs, salt: options.random.u32() };
  const built = await buildGeneration(
    block,
    superblock,
    builtPath(directory, address.block, generation),
  );
  const { live, liveBytes, digest } = built.index;
  const counted = { needles: live, liveBytes, digest, fileBytes: built.fileBytes };
  const { piece, k, m } = superblock;
  const made = { piece: { piece, scheme: { k, m } } };
  return { block: address.block, generation, sealed: true, ...counted, ...made, damage: [] };
}

/** Puts a built generation in the place of the one before, and removes that. */
export async function switchTo(device: Device, address: SwitchOrder): Promise<void> {
  const { options, parts, directory } = device;
  const { block: id, generation } = address;
  const old = parts.blocks.get(id);
  if (old?.generation === generation) {
    // A repeated order: perhaps the first one did not get to its end.
    await options.disk.syncDirectory(directory);
    return;
  }
  if (address.encoding !== undefined) {
    // What a compaction that was given up has left here is of the same generation, and not what is meant.
    if (await switchToStaged(device, address)) return;
    if (old === undefined || old.generation < generation)
      throw new QuarryError("NoSuchBlock", `generation ${generation} of block ${id} is not here`);
  }
  if (old === undefined || old.generation + 1 !== generation) {
    device.blockAt(address);
    return;
  }
  const path = builtPath(directory, id, generation);
  if (!(await options.disk.exists(path)))
    throw new QuarryError("NoSuchBlock", `generation ${generation} of block ${id} is not built`);
  await old.giveWay(() => exchange(device, address, old, path));
  // All of it was read when it was opened.
  parts.checks.made(id, generation, options.clock.nowMs());
  parts.news.changed(id);
  await options.disk.syncDirectory(directory);
  await removeOvertaken(device, id, generation);
}

async function exchange(
  device: Device,
  address: BlockAddress,
  old: Block,
  path: string,
): Promise<void> {
  const { options, parts, directory } = device;
  const home = blockPath(directory, address.block);
  const index = indexPath(directory, address.block);
  const built = new Block(parts.home, path, index, await recoverGeneration(device, address, path));
  await bringUpToDate(old, built);
  await built.close();
  // Once more: now all that is in it is on the disk.
  const next = new Block(parts.home, home, index, await recoverGeneration(device, address, path));
  // The old file stays open until the block is exchanged: until then reads are answered from it.
  // Between the rename and the exchange nothing may fail, or the old block would have the new file.
  await parts.home.files.use(home, async () => {
    await options.disk.rename(path, home);
    parts.blocks.set(address.block, next);
    await parts.home.files.forget(home);
  });
}

/** A built generation as it is on the disk; it must be whole and sealed. */
async function recoverGeneration(
  { options, directory }: Device,
  { block, generation }: BlockAddress,
  path: string,
): Promise<RecoveredBlock> {
  const { disk, report } = options;
  const paths = { blockPath: path, indexPath: indexPath(directory, block) };
  const state = await recoverBlock({ disk, report, block, ...paths });
  const whole = state?.sealed === true && state.damage.length === 0;
  if (!whole || state.superblock.generation !== generation)
    throw new QuarryError("Damaged", `${path} is damaged; compact block ${block} again`);
  return state;
}

/** Removes from `next` what was removed since it was built. */
async function bringUpToDate(old: Block, next: Block): Promise<void> {
  const gone: NeedleId[] = [];
  let kept = 0;
  for (const needle of next.index.needles()) {
    if (old.index.find(needle) === undefined) gone.push(needle);
    else kept++;
  }
  if (kept !== old.index.live)
    throw new QuarryError("Damaged", `${next.path} lacks needles of ${old.path}; compact it again`);
  for (let i = 0; i < gone.length; i += limits.removeBatch)
    await next.remove(gone.slice(i, i + limits.removeBatch));
}

/** Removes a block in which no needle lives, or one of which this device is no member any more. */
export async function retire(device: Device, address: RetireOrder): Promise<void> {
  const { parts } = device;
  const { block: id } = address;
  if (!parts.blocks.has(id) && !parts.unreadable.has(id)) return; // a repeated order
  const isSurplus = address.surplus === true;
  if (isSurplus && parts.unreadable.delete(id)) return await removeFiles(device, address);
  const block = device.blockAt(address);
  if (address.salt !== undefined && address.salt !== block.superblock.salt)
    throw new QuarryError("Changed", `block ${id} was made anew since it was ordered to go`);
  if (address.digest !== undefined && address.digest !== block.index.digest)
    throw new QuarryError("Changed", `needles of block ${id} went since it was ordered to go`);
  if (!isSurplus && (block.index.live > 0 || block.busy))
    throw new QuarryError("InvalidArgument", `block ${id} still holds ${block.index.live} needles`);
  if (!block.sealed) await block.seal();
  if (!isSurplus && block.index.live > 0)
    throw new QuarryError("InvalidArgument", `block ${id} was written to while it was retired`);
  parts.blocks.delete(id);
  parts.checks.forget(id);
  await block.close();
  await block.giveWay(() => removeFiles(device, address));
}

/** The block file first: an index without a block is removed at the start. */
async function removeFiles(
  { options, parts, directory }: Device,
  { block, generation }: BlockAddress,
): Promise<void> {
  const path = blockPath(directory, block);
  parts.news.changed(block);
  await options.disk.remove(path);
  await options.disk.syncDirectory(directory);
  await options.disk.remove(indexPath(directory, block));
  await options.disk.remove(builtPath(directory, block, generation + 1));
  await options.disk.remove(stagedPath(directory, block, generation + 1));
  await options.disk.syncDirectory(directory);
  await parts.home.files.forget(path);
}
