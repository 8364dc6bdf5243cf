/** Puts a block that was made anew in its place, alone on it, after a last look at what is there. */
import { QuarryError } from "../../base/errors.ts";
import type { NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { BlockStatus } from "../../rpc/block-service.ts";
import type { RebuildOrder } from "../../rpc/healing-service.ts";
import { Block } from "../block.ts";
import type { Device } from "../device.ts";
import { blockPath, indexPath } from "../file-names.ts";
import { stale } from "../generations.ts";
import { recordsAt } from "../hand-out.ts";
import type { NeedleIndex } from "../needle-index.ts";
import { removeOvertaken } from "../overtaken.ts";
import type { Stripe } from "../striped/stripe.ts";
import type { Superblock } from "../superblock.ts";
import type { Source } from "./sources.ts";

export interface MadeBlock {
  readonly superblock: Superblock;
  readonly index: NeedleIndex;
  readonly fileBytes: number;
  readonly stripe?: Stripe;
  /** Left out by order: the block before may have them. */
  readonly lost?: ReadonlySet<bigint>;
}

/**
 * Before anything is done: may the block be made here? One that is still open is sealed. Another piece
 * of it gives way only where the order says so.
 */
export async function checkPlace(device: Device, order: RebuildOrder): Promise<void> {
  const there = device.parts.blocks.get(order.block);
  if (there === undefined) return;
  if (there.generation > order.generation) throw stale(there, order.generation);
  if (there.generation < order.generation) return;
  const { piece } = there.superblock;
  if (order.scheme.k > 1 && piece !== order.piece && piece !== order.replaces)
    throw new QuarryError(
      "InvalidArgument",
      `${device.directory} has piece ${piece} of block ${order.block}, not ${order.piece}`,
    );
  if (!there.sealed) await there.seal();
}

/** This device as a source for itself, where it has the block in this generation: of whichever piece. */
export function ownOf(
  device: Device,
  { block, generation, scheme, piece }: RebuildOrder,
): Source[] {
  const there = device.parts.blocks.get(block);
  if (there?.generation !== generation) return [];
  const address = { device: device.id, block, generation };
  // Nothing keeps it as it is until then: as everybody else this asks for a generation.
  const peer: Source["peer"] = {
    inventory: async (at, after) => device.inventory(at, after),
    fetch: (at, needles, check) => device.fetch(at, needles, check),
    records: (at, offset, lengthBytes) =>
      device.reading(at, (block) => recordsAt(block, offset, lengthBytes)),
  };
  return [{ piece: scheme.k === 1 ? piece : there.superblock.piece, address, peer }];
}

/** The rename is the moment: before it the old block is there, or none. */
export async function place(device: Device, path: string, made: MadeBlock): Promise<BlockStatus> {
  const { parts, options, directory } = device;
  const { block: id, generation } = made.superblock;
  const old = parts.blocks.get(id);
  if (old !== undefined && old.generation > generation) throw stale(old, generation);
  const home = blockPath(directory, id);
  const index = indexPath(directory, id);
  let tailBytes = made.fileBytes;
  if (old?.generation === generation) tailBytes = await bringUpToDate(parts.home, path, made, old);
  const { superblock, index: needles, stripe } = made;
  const state = { superblock, index: needles, sealed: true, damage: [], ...(stripe && { stripe }) };
  const next = new Block(parts.home, home, index, { ...state, tailBytes });
  const exchange = async () => {
    await options.disk.rename(path, home);
    parts.blocks.set(id, next);
    parts.unreadable.delete(id);
    await parts.home.files.forget(home);
  };
  // The old file stays open until the block is exchanged: until then reads are answered from it.
  if (old === undefined) await exchange();
  else await old.giveWay(() => parts.home.files.use(home, exchange));
  parts.checks.made(id, generation, options.clock.nowMs());
  parts.news.changed(id);
  // A checkpoint with this salt speaks of no file before: it may be there first.
  await Promise.all([options.disk.syncDirectory(directory), next.remakeCheckpoint()]);
  if (old?.generation !== generation)
    await removeOvertaken(device, id, generation, old?.generation);
  return next.status();
}

/** What was removed here meanwhile is removed; what lives here must live on. */
async function bringUpToDate(
  home: Device["parts"]["home"],
  path: string,
  { superblock, index, fileBytes, lost }: MadeBlock,
  old: Block,
): Promise<number> {
  const gone: NeedleId[] = [];
  for (const needle of index.needles())
    if (old.index.knows(needle) && old.index.find(needle) === undefined) gone.push(needle);
  const isSame = old.superblock.stripe === undefined || old.superblock.salt === superblock.salt;
  for (const needle of isSame ? old.index.needles() : [])
    if (!index.knows(needle) && lost?.has(needle) !== true)
      throw new QuarryError("Damaged", `${path} lacks needles of ${old.path}; order it again`);
  if (gone.length === 0) return fileBytes;
  const state = { superblock, index, sealed: true, tailBytes: fileBytes, damage: [] };
  const built = new Block(home, path, `${path}.index`, state);
  for (let i = 0; i < gone.length; i += limits.removeBatch)
    await built.remove(gone.slice(i, i + limits.removeBatch));
  return built.tailBytes;
}
