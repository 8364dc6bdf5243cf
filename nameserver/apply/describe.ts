/** Changing the description of a version in place: tags, ACL. */
import { QuarryError } from "../../base/errors.ts";
import type { Command, CommandResult } from "../../rpc/commands.ts";
import type { ApplyContext } from "./context.ts";

export function describeObject(
  _context: ApplyContext,
  _command: Extract<Command, { type: "describeObject" }>,
): CommandResult {
  throw new QuarryError("NotImplemented", "describeObject is not implemented");
}
