/**
 * Sealed blocks settle after a while: from then on no first reference into them can appear (INV-4).
 * A settled block is swept once, member by member: needles whose owner does not name them are
 * orphans of writers that died, and go.
 */

import { type BlockId, type DeviceId, type NeedleId, positionOf } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { NeedleEntry } from "../../rpc/block-service.ts";
import { filled } from "../../rpc/name-service.ts";
import type { Chunk } from "../../rpc/objects.ts";
import { blockRules } from "../block-rules.ts";
import { PACKED_CHUNK_BYTES, unpackChunks } from "../chunk-codec.ts";
import type { StateReader } from "../group/group.ts";
import { keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import type { BlockRow } from "../rows.ts";
import { blockRows } from "./block-rows.ts";
import { keepsOrphans } from "./keep-orphans.ts";
import { areMembersUp } from "./members-up.ts";
import { WalkRest } from "./walk-rest.ts";
import { logTime, type WorkContext, type Worker } from "./worker.ts";

export interface SettleOptions {
  /** How long a block stays sealed before it settles. */
  readonly settleMs: number;
  /** How often blocks are looked through. */
  readonly lookMs: number;
  /** The last run did not end cleanly: sweep every block again. */
  readonly sweepAll: boolean;
}

export function settleAndSweep(context: WorkContext, options: SettleOptions): Worker {
  const { group, clock } = context;
  /** By block and generation: an id may come back. */
  const sweptNow = new Set<string>();
  /** Blocks that could not be swept in this look. */
  const later = new Set<BlockId>();
  /** They have orphans that are kept for now: looked at again after the next start. */
  const kept = new Set<string>();
  const rest = new WalkRest(clock, options.lookMs);
  /** Where this look has got to: after a crash there are as many steps as blocks. */
  let at = 0 as BlockId;
  return {
    name: "settling of blocks",
    async step() {
      if (!rest.isOver) return false;
      for await (const { block, row } of blockRows(group.state, at)) {
        at = block;
        rest.saw();
        const { generation } = row;
        const sealedMs = row.sealedMs ?? 0;
        const nowMs = logTime(context);
        const isRested = blockRules.mayBeSettled(sealedMs, options.settleMs, nowMs);
        if (row.state === "sealed" && isRested) {
          await group.propose({
            type: "settleBlock",
            block,
            generation,
            afterMs: options.settleMs,
          });
          return true;
        }
        const known = row.swept === true && !options.sweepAll;
        const isDue = blockRules.mayBeSwept(row.state, nowMs - sealedMs, options.settleMs);
        const name = `${block} ${generation}`;
        const rests = sweptNow.has(name) || later.has(block) || kept.has(name);
        if (isDue && !known && !rests) {
          later.add(block);
          if (!(await areMembersUp(context, row))) continue;
          using claim = context.claims?.take(block);
          if (context.claims !== undefined && claim === undefined) continue;
          if (!(await sweep(context, block, row))) {
            kept.add(name);
            return true;
          }
          if (row.swept !== true) await group.propose({ type: "sweptBlock", block, generation });
          sweptNow.add(name);
          return true;
        }
      }
      rest.begin();
      at = 0 as BlockId;
      later.clear();
      return false;
    },
  };
}

/** False when the block has orphans that must stay. */
async function sweep(context: WorkContext, block: BlockId, row: BlockRow): Promise<boolean> {
  for (const device of filled(row.members)) {
    const address = { device, block, generation: row.generation };
    // A member that was away when the block was sealed would take needles behind the sweep.
    await context.blocks.sealBlock(address);
    const orphans = await findOrphans(context, address);
    if (orphans.length > 0 && keepsOrphans(context)) {
      context.report(
        `block ${block}: ${orphans.length} needles that no object names are kept for now, since this metadata was brought back from a copy`,
      );
      return false;
    }
    if (orphans.length > 0)
      context.report(
        `block ${block}: needles that no object names are removed, ${orphans.length} of them`,
      );
    for (let i = 0; i < orphans.length; i += limits.removeBatch)
      await context.blocks.remove(address, orphans.slice(i, i + limits.removeBatch));
  }
  return true;
}

async function findOrphans(
  { group, blocks }: WorkContext,
  address: { device: DeviceId; block: BlockId; generation: number },
): Promise<NeedleId[]> {
  const orphans: NeedleId[] = [];
  for (let cursor: number | undefined = 0; cursor !== undefined; ) {
    const page: { entries: NeedleEntry[]; next?: number } = await blocks.needles(
      address,
      cursor,
      limits.removeBatch,
    );
    for (const entry of page.entries)
      if (entry.blob !== 0 && !isNamed(group.state, address.block, entry))
        orphans.push(entry.needle);
    cursor = page.next;
  }
  return orphans;
}

/** Whether the owner of a needle names it: a point look-up, in pending blobs too. */
export const isNamed = (state: StateReader, block: BlockId, entry: NamedBy): boolean =>
  namedChunk(state, block, entry) !== undefined;

type NamedBy = Pick<NeedleEntry, "needle" | "blob" | "chunk">;

/** The chunk that a needle is, when its owner names it. */
export function namedChunk(
  state: StateReader,
  block: BlockId,
  { needle, blob, ...owner }: NamedBy,
): Chunk | undefined {
  const chunk = positionOf(owner);
  const head = read(state, keys.blob(blob));
  if (head === undefined || chunk >= head.chunks) return undefined;
  const page = Math.floor(chunk / limits.chunksPerPage);
  const packed = head.inline ?? read(state, keys.page(blob, page))?.chunks;
  const at =
    (head.inline === undefined ? chunk % limits.chunksPerPage : chunk) * PACKED_CHUNK_BYTES;
  const [named] = unpackChunks((packed ?? new Uint8Array()).subarray(at, at + PACKED_CHUNK_BYTES));
  return named?.block === block && named.needle === needle ? named : undefined;
}
