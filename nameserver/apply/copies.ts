/** Copies: another name, or a part, gets the content of an object. No bytes are moved. */
import { QuarryError } from "../../base/errors.ts";
import type { Command, CommandResult } from "../../rpc/commands.ts";
import type { ApplyContext } from "./context.ts";

export function copyObject(
  _context: ApplyContext,
  _command: Extract<Command, { type: "copyObject" }>,
): CommandResult {
  throw new QuarryError("NotImplemented", "copyObject is not implemented");
}

export function putPartCopy(
  _context: ApplyContext,
  _command: Extract<Command, { type: "putPartCopy" }>,
): CommandResult {
  throw new QuarryError("NotImplemented", "putPartCopy is not implemented");
}
