/**
 * A settled block goes on as its next generation, which was written anew in another layout, on other
 * devices. What it was before is remembered until nothing of it is needed any more.
 */
import { QuarryError } from "../../base/errors.ts";
import type { CommandResult } from "../../rpc/commands.ts";
import { filled } from "../../rpc/name-service.ts";
import { piecesOf } from "../../rpc/pool.ts";
import type { SystemCommand } from "../command.ts";
import { keys } from "../keyspace.ts";
import { currentBlock, existingBlock, keptScheme } from "./blocks.ts";
import type { ApplyContext } from "./context.ts";
import { demandMembers } from "./removals.ts";

type Of<Type extends SystemCommand["type"]> = Extract<SystemCommand, { type: Type }>;

export function convertBlock(context: ApplyContext, command: Of<"convertBlock">): CommandResult {
  const { block, from, to, scheme, layout, encoding, members } = command;
  const now = existingBlock(context, block);
  if (now.generation === to && now.encoding === encoding) return { type: "done" };
  const row = currentBlock(context, block, from);
  if (row.state !== "settled" || to !== from + 1 || row.before !== undefined)
    throw refusal(`block ${block} cannot go to generation ${to}`);
  const there = filled(members);
  const isOnce = new Set(there).size === there.length;
  if (there.length !== members.length || members.length !== piecesOf(scheme) || !isOnce)
    throw refusal("a block that is converted has a device for each piece");
  if (layout === "whole" ? scheme.k !== 1 : layout !== "striped" || scheme.k < 2)
    throw refusal(`blocks are not converted to ${layout} with k = ${scheme.k}`);
  demandMembers(
    context,
    there.filter((device) => !row.members.includes(device)),
  );
  const { scheme: _scheme, layout: _layout, members: old, ...rest } = row;
  context.rows.put(keys.block(block), {
    ...{ ...rest, ...keptScheme(scheme), ...(layout === "striped" && { layout }) },
    ...{ generation: to, members, encoding, before: { generation: from, members: old } },
  });
  return { type: "done" };
}

/** Its members have switched, and know of all removals that members of the generation before knew. */
export function convertedBlock(
  context: ApplyContext,
  { block, generation }: Of<"convertedBlock">,
): CommandResult {
  const { before, ...row } = currentBlock(context, block, generation);
  if (before !== undefined) context.rows.put(keys.block(block), row);
  return { type: "done" };
}

const refusal = (message: string) => new QuarryError("InvalidArgument", message);
