/** The command that says what all members of the group know (nameserver/levels.ts). */
import { QuarryError } from "../../base/errors.ts";
import { LEVEL } from "../../base/version.ts";
import type { CommandResult } from "../../rpc/commands.ts";
import type { SystemCommand } from "../command.ts";
import { keys } from "../keyspace.ts";
import { tooOld } from "../levels.ts";
import type { ApplyContext } from "./context.ts";

type RaiseLevel = Extract<SystemCommand, { type: "raiseLevel" }>;

/** Whoever does not know the level stops: what follows it would make another state of (INV-6). */
export function raiseLevel(context: ApplyContext, { level }: RaiseLevel): CommandResult {
  if (!Number.isSafeInteger(level) || level < 1)
    throw new QuarryError("InvalidArgument", "a level is a number from 1 on");
  if (level > LEVEL) throw tooOld(level);
  if (level > context.level) context.rows.put(keys.level(), { level });
  return { type: "done" };
}
