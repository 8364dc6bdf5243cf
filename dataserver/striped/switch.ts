/**
 * Puts a staged file in the place of the generation before, if there is one here. What was removed of
 * that meanwhile, here or as the order tells, is removed from it first. The rename is the moment.
 */
import { QuarryError } from "../../base/errors.ts";
import type { NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { SwitchOrder } from "../../rpc/block-service.ts";
import { Block } from "../block.ts";
import type { Device } from "../device.ts";
import { blockPath, indexPath, stagedPath } from "../file-names.ts";
import { stale } from "../generations.ts";
import { removeOvertaken } from "../overtaken.ts";
import { type RecoveredBlock, recoverBlock } from "../recover.ts";

/** False when nothing is staged for it. */
export async function switchToStaged(device: Device, order: SwitchOrder): Promise<boolean> {
  const { options, parts, directory } = device;
  const { block: id, generation } = order;
  const path = stagedPath(directory, id, generation);
  if (!(await options.disk.exists(path))) return false;
  const old = parts.blocks.get(id);
  if (old !== undefined && old.generation > generation) throw stale(old, generation);
  const replace = () => exchange(device, order, old, path);
  if (old === undefined) await replace();
  else await old.giveWay(replace);
  parts.checks.made(id, generation, options.clock.nowMs());
  parts.news.changed(id);
  await options.disk.syncDirectory(directory);
  await removeOvertaken(device, id, generation, old?.generation);
  await parts.blocks.get(id)?.remakeCheckpoint();
  return true;
}

async function exchange(
  device: Device,
  order: SwitchOrder,
  old: Block | undefined,
  path: string,
): Promise<void> {
  const { options, parts, directory } = device;
  const home = blockPath(directory, order.block);
  const index = indexPath(directory, order.block);
  const built = new Block(parts.home, path, index, await recoverStaged(device, order, path));
  if (old !== undefined) await removeAll(built, removedSince(old, built));
  await removeAll(built, idsIn(order.removed));
  await built.close();
  // Once more: now all that is in it is on the disk.
  const next = new Block(parts.home, home, index, await recoverStaged(device, order, path));
  const rename = async () => {
    await options.disk.rename(path, home);
    parts.blocks.set(order.block, next);
    parts.unreadable.delete(order.block);
    await parts.home.files.forget(home);
  };
  // The old file stays open until the block is exchanged: until then reads are answered from it.
  if (old === undefined) await rename();
  else await parts.home.files.use(home, rename);
}

async function recoverStaged(
  { options, directory }: Device,
  { block, generation, encoding }: SwitchOrder,
  path: string,
): Promise<RecoveredBlock> {
  const { disk, report } = options;
  const paths = { blockPath: path, indexPath: indexPath(directory, block) };
  const state = await recoverBlock({ disk, report, block, ...paths });
  const isWhole = state?.sealed === true && state.damage.length === 0;
  if (!isWhole || state.superblock.generation !== generation)
    throw new QuarryError("Damaged", `${path} is damaged; make this member of ${block} anew`);
  if (encoding !== undefined && state.superblock.salt !== encoding)
    throw new QuarryError("Damaged", `${path} is of another encoding; make it anew`);
  return state;
}

function* removedSince(old: Block, next: Block): Generator<NeedleId> {
  for (const needle of next.index.needles())
    if (old.index.knows(needle) && old.index.find(needle) === undefined) yield needle;
}

function* idsIn(removed: Uint8Array | undefined): Generator<NeedleId> {
  if (removed === undefined) return;
  const ids = Buffer.from(removed.buffer, removed.byteOffset, removed.byteLength);
  for (let at = 0; at + 8 <= ids.length; at += 8) yield ids.readBigUInt64LE(at) as NeedleId;
}

async function removeAll(block: Block, needles: Iterable<NeedleId>): Promise<void> {
  const gone = [...needles];
  for (let i = 0; i < gone.length; i += limits.removeBatch)
    await block.remove(gone.slice(i, i + limits.removeBatch));
}
