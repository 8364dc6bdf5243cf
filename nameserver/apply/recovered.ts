/** What a state is told that was brought back from a copy: the world may be further than it knows. */
import { QuarryError } from "../../base/errors.ts";
import type { BlockId } from "../../base/ids.ts";
import type { CommandResult } from "../../rpc/commands.ts";
import { firstPool, layoutOf, rangeOf, WHOLE } from "../../rpc/pool.ts";
import type { SystemCommand } from "../command.ts";
import { keys } from "../keyspace.ts";
import type { BlockRow } from "../rows.ts";
import { keptScheme } from "./blocks.ts";
import type { ApplyContext } from "./context.ts";
import { joinPool } from "./pools.ts";

type Of<Type extends SystemCommand["type"]> = Extract<SystemCommand, { type: Type }>;

/** So many commands at least stand for an epoch of the cluster map, which changes seldom. */
const INDEXES_AN_EPOCH = 4096;

/**
 * Blob ids that were leased since the copy are not leased again, an epoch that was told since does not
 * come again with another map, and needles that nothing names are kept for a while: they may be all
 * that is left of what was written since. The log has jumped (backup/jump.ts), so its index is higher
 * than what any of these was.
 */
export function recovered(
  { rows, index, timeMs }: ApplyContext,
  { skipBlobs, keepOrphansMs }: Of<"recovered">,
): CommandResult {
  const next = rows.get(keys.blobLease())?.next ?? 1;
  rows.put(keys.blobLease(), { next: Math.max(next + skipBlobs, index) });
  const map = rows.get(keys.map()) ?? { epoch: 0, dataservers: 0, nextDevice: 0 };
  const epoch = Math.max(map.epoch + 1, Math.ceil(index / INDEXES_AN_EPOCH));
  rows.put(keys.map(), { ...map, epoch });
  // Of the group that had the copy nobody is left: it is founded anew.
  for (const node of rows.get(keys.roll())?.nodes ?? []) rows.delete(keys.member(node));
  rows.delete(keys.roll());
  rows.put(keys.recovered(), { ms: timeMs, keepOrphansUntilMs: timeMs + keepOrphansMs });
  return { type: "done" };
}

/** A block as a device holds it, known to the state or not. */
export function foundBlock(context: ApplyContext, command: Of<"foundBlock">): CommandResult {
  const { rows, timeMs } = context;
  const { block, generation, sealed, scheme = WHOLE, members, encoding } = command;
  const laidOut = {
    ...keptScheme(scheme),
    ...(command.layout === "striped" && { layout: command.layout }),
    ...(encoding !== undefined && { encoding }),
    members,
  };
  const known = rows.get(keys.block(block));
  if (known === undefined) {
    rows.put(keys.block(block), {
      state: sealed ? "sealed" : "open",
      generation,
      pool: foundPool(context, block),
      ...laidOut,
      openedMs: timeMs,
      ...(sealed && { sealedMs: timeMs }),
    });
    rows.put(keys.blockUse(block), { needles: 0, bytes: 0 });
    rows.delete(keys.removedBlock(block));
    return { type: "done" };
  }
  if (generation < known.generation)
    throw new QuarryError(
      "StaleGeneration",
      `block ${block} is at generation ${known.generation}, and only ${generation} was found`,
    );
  rows.put(keys.block(block), { ...known, generation, ...(isOther(known, command) && laidOut) });
  return { type: "done" };
}

/** It was converted since the copy. */
function isOther(known: BlockRow, { generation, scheme = WHOLE, layout }: Of<"foundBlock">) {
  if (generation === known.generation) return false;
  const { scheme: before = WHOLE, layout: laidOut = layoutOf(before) } = known;
  const isSame = before.k === scheme.k && before.m === scheme.m;
  return !isSame || laidOut !== (layout ?? layoutOf(scheme));
}

/** Of its range; the first pool takes what is of none, and keeps the range. */
function foundPool(context: ApplyContext, block: BlockId): number {
  const owner = context.rows.get(keys.blockRange(rangeOf(block)))?.pool ?? firstPool.id;
  joinPool(context, block, owner);
  return owner;
}
