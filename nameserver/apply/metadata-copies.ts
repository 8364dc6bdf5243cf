/** Commands on copies of the metadata in blocks: blobs, each named by a row of its own. */
import { QuarryError } from "../../base/errors.ts";
import type { CommandResult } from "../../rpc/commands.ts";
import type { SystemCommand } from "../command.ts";
import { copyBlob } from "../copies/copy-blobs.ts";
import { keys } from "../keyspace.ts";
import { claimSystemBlob, registerChunks, releaseBlob } from "./blobs.ts";
import type { ApplyContext } from "./context.ts";

type Of<Type extends SystemCommand["type"]> = Extract<SystemCommand, { type: Type }>;

export function addCopyChunks(
  context: ApplyContext,
  { kind, index, first, chunks }: Of<"addCopyChunks">,
): CommandResult {
  return registerChunks(context, { blob: copyBlob(kind, index), first, chunks });
}

/** From here on the copy is one that may be needed. It was read back before. */
export function keepCopy(context: ApplyContext, command: Of<"keepCopy">): CommandResult {
  const { kind, index, last, lengthBytes, registered, chunks } = command;
  const rowKey = keys.metadataCopy(kind, index);
  if (context.rows.get(rowKey) !== undefined)
    throw new QuarryError("InvalidArgument", `there is a ${kind} of entry ${index} already`);
  const blob = copyBlob(kind, index);
  claimSystemBlob(context, { blob, lengthBytes, registered, chunks });
  context.rows.put(rowKey, { blob, last, ms: context.timeMs, bytes: lengthBytes });
  return { type: "done" };
}

export function dropCopies(context: ApplyContext, { copies }: Of<"dropCopies">): CommandResult {
  for (const { kind, index } of copies) {
    const rowKey = keys.metadataCopy(kind, index);
    const row = context.rows.get(rowKey);
    if (row === undefined) continue;
    context.rows.delete(rowKey);
    releaseBlob(context, row.blob);
  }
  return { type: "done" };
}
