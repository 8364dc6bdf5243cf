/** Commands on blocks: open, sealed, settled, rewritten, removed. */

import { QuarryError } from "../../base/errors.ts";
import type { BlockId } from "../../base/ids.ts";
import type { CommandResult } from "../../rpc/commands.ts";
import { filled } from "../../rpc/name-service.ts";
import { layoutOf, type PoolScheme, piecesOf, WHOLE } from "../../rpc/pool.ts";
import { blockRules } from "../block-rules.ts";
import type { SystemCommand } from "../command.ts";
import { keys } from "../keyspace.ts";
import type { BlockRow } from "../rows.ts";
import type { ApplyContext } from "./context.ts";
import { joinPool, leavePool } from "./pools.ts";
import { demandMembers } from "./removals.ts";

type Of<Type extends SystemCommand["type"]> = Extract<SystemCommand, { type: Type }>;

export function addBlock(context: ApplyContext, command: Of<"addBlock">): CommandResult {
  const { rows, timeMs } = context;
  const { block, generation, pool, scheme = WHOLE, members } = command;
  if (rows.get(keys.block(block)) !== undefined)
    throw new QuarryError("InvalidArgument", `there is a block ${block} already`);
  const removed = rows.get(keys.removedBlock(block))?.generation ?? 0;
  if (generation <= removed)
    throw new QuarryError("StaleGeneration", `block ${block} had generation ${removed} before`);
  const fits = members.length === piecesOf(scheme) && filled(members).length >= scheme.k;
  if (command.scheme !== undefined && !fits)
    throw new QuarryError("InvalidArgument", "a block has a place for each piece, and k members");
  demandMembers(context, members);
  joinPool(context, block, pool);
  const row = { state: "open", generation, pool, ...keptScheme(scheme), members } as const;
  rows.put(keys.block(block), { ...row, openedMs: timeMs });
  rows.put(keys.blockUse(block), { needles: 0, bytes: 0 });
  rows.delete(keys.removedBlock(block));
  return { type: "done" };
}

/** What a row keeps of a scheme: nothing of 1+0. */
export function keptScheme(scheme: PoolScheme): Pick<BlockRow, "scheme" | "layout"> {
  if (scheme.k === 1 && scheme.m === 0) return {};
  return { scheme, ...(scheme.k > 1 && { layout: layoutOf(scheme) }) };
}

export function abandonBlock(context: ApplyContext, command: Of<"abandonBlock">): CommandResult {
  const { rows } = context;
  const { block, generation } = command;
  if (rows.get(keys.block(block)) !== undefined)
    throw new QuarryError("InvalidArgument", `block ${block} is in use`);
  const removed = rows.get(keys.removedBlock(block))?.generation ?? 0;
  if (generation > removed) rows.put(keys.removedBlock(block), { generation });
  return { type: "done" };
}

export function existingBlock({ rows }: ApplyContext, block: BlockId): BlockRow {
  const row = rows.get(keys.block(block));
  if (row === undefined) throw new QuarryError("NoSuchBlock", `there is no block ${block}`);
  return row;
}

export function currentBlock(context: ApplyContext, block: BlockId, generation: number): BlockRow {
  const row = existingBlock(context, block);
  if (row.generation !== generation)
    throw new QuarryError(
      "StaleGeneration",
      `block ${block} is at generation ${row.generation}, not ${generation}`,
    );
  return row;
}

export function sealBlock(context: ApplyContext, command: Of<"sealBlock">): CommandResult {
  const row = currentBlock(context, command.block, command.generation);
  if (row.state === "open")
    context.rows.put(keys.block(command.block), {
      ...row,
      state: "sealed",
      sealedMs: context.timeMs,
    });
  return { type: "done" };
}

export function settleBlock(context: ApplyContext, command: Of<"settleBlock">): CommandResult {
  const row = currentBlock(context, command.block, command.generation);
  if (row.state === "settled") return { type: "done" };
  if (row.state !== "sealed" || !hasRested(row, command.afterMs, context))
    throw new QuarryError("InvalidArgument", `block ${command.block} is not sealed long enough`);
  context.rows.put(keys.block(command.block), { ...row, state: "settled" });
  return { type: "done" };
}

function hasRested({ sealedMs = 0 }: BlockRow, afterMs: number, { timeMs }: ApplyContext): boolean {
  return blockRules.mayBeSettled(sealedMs, afterMs, timeMs);
}

export function sweptBlock(context: ApplyContext, command: Of<"sweptBlock">): CommandResult {
  const row = currentBlock(context, command.block, command.generation);
  if (row.state === "settled") context.rows.put(keys.block(command.block), { ...row, swept: true });
  return { type: "done" };
}

export function setGeneration(context: ApplyContext, command: Of<"setGeneration">): CommandResult {
  const { block, from, to } = command;
  if (existingBlock(context, block).generation === to) return { type: "done" };
  const row = currentBlock(context, block, from);
  if (row.state !== "settled" || to <= from)
    throw new QuarryError("InvalidArgument", `block ${block} cannot go to generation ${to}`);
  const { encoding: _encoding, ...rest } = row;
  context.rows.put(keys.block(block), { ...rest, generation: to });
  return { type: "done" };
}

export function removeBlock(context: ApplyContext, command: Of<"removeBlock">): CommandResult {
  const { block, generation } = command;
  const { rows } = context;
  const row = currentBlock(context, block, generation);
  const use = rows.get(keys.blockUse(block));
  if (row.state !== "settled" || (use?.needles ?? 0) > 0)
    throw new QuarryError("InvalidArgument", `block ${block} is not empty and settled`);
  rows.delete(keys.block(block));
  rows.delete(keys.blockUse(block));
  leavePool(context, row.pool);
  rows.put(keys.removedBlock(block), { generation });
  return { type: "done" };
}
