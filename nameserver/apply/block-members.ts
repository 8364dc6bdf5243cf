/** Commands on who the members of a block are, and how many. Each names what it found before. */
import { QuarryError } from "../../base/errors.ts";
import type { BlockId } from "../../base/ids.ts";
import type { CommandResult } from "../../rpc/commands.ts";
import { type BlockMembers, filled } from "../../rpc/name-service.ts";
import { type PoolScheme, piecesOf, WHOLE } from "../../rpc/pool.ts";
import type { SystemCommand } from "../command.ts";
import { keys } from "../keyspace.ts";
import { currentBlock, keptScheme } from "./blocks.ts";
import type { ApplyContext } from "./context.ts";
import { demandMembers } from "./removals.ts";

type Of<Type extends SystemCommand["type"]> = Extract<SystemCommand, { type: Type }>;

/** A new member takes the place of another, or of a hole. Only a block that takes no appends. */
export function moveMember(context: ApplyContext, command: Of<"moveMember">): CommandResult {
  const { block, generation, position, from, to } = command;
  const row = currentBlock(context, block, generation);
  const now = row.members[position];
  if (now === undefined) throw refusal(`block ${block} has no position ${position}`);
  if (now === to) return { type: "done" };
  if (now !== from) throw changed(block);
  if (row.state === "open") throw refusal(`block ${block} is open: its members are fixed`);
  if (to !== null && row.members.includes(to))
    throw refusal(`${to} is a member of block ${block} already`);
  demandMembers(context, [to]);
  const members = row.members.with(position, to);
  if (filled(members).length < (row.scheme ?? WHOLE).k)
    throw refusal(`without ${from} block ${block} cannot be read`);
  context.rows.put(keys.block(block), { ...row, members });
  return { type: "done" };
}

/**
 * More or fewer whole copies. Those that stay are in `members`, in any order: each is the data
 * itself. Nothing is rewritten, and nobody becomes a member by it.
 */
export function setScheme(context: ApplyContext, command: Of<"setScheme">): CommandResult {
  const { block, generation, from, to, members } = command;
  const row = currentBlock(context, block, generation);
  const { scheme: now = WHOLE } = row;
  if (isSame(now, to) && isSameMembers(row.members, members)) return { type: "done" };
  if (!isSame(now, from)) throw changed(block);
  if (row.state === "open") throw refusal(`block ${block} is open: its scheme is fixed`);
  if (now.k !== 1 || to.k !== 1 || !Number.isInteger(to.m) || to.m < 0)
    throw refusal("only the number of whole copies changes without a rewrite");
  const stay = filled(members);
  const isOnce = new Set(stay).size === stay.length;
  if (members.length !== piecesOf(to) || stay.length === 0 || !isOnce)
    throw refusal("a block has a place for each copy, and one copy at least");
  if (stay.some((device) => !row.members.includes(device))) throw changed(block);
  const { scheme: _scheme, layout: _layout, ...rest } = row;
  context.rows.put(keys.block(block), { ...rest, ...keptScheme(to), members });
  return { type: "done" };
}

const isSame = (a: PoolScheme, b: PoolScheme): boolean => a.k === b.k && a.m === b.m;

const isSameMembers = (a: BlockMembers, b: BlockMembers): boolean =>
  a.length === b.length && a.every((one, at) => one === b[at]);

const refusal = (message: string) => new QuarryError("InvalidArgument", message);

const changed = (block: BlockId) =>
  new QuarryError("Changed", `the members of block ${block} are others meanwhile`);
