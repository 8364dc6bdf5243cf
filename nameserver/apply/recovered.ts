/** What a state is told that was brought back from a copy: the world may be further than it knows. */
import { QuarryError } from "../../base/errors.ts";
import type { CommandResult } from "../../rpc/commands.ts";
import type { SystemCommand } from "../command.ts";
import { keys } from "../keyspace.ts";
import type { ApplyContext } from "./context.ts";

type Of<Type extends SystemCommand["type"]> = Extract<SystemCommand, { type: Type }>;

/**
 * Blob ids that were leased since the copy are not leased again, and needles that nothing names are
 * kept for a while: they may be all that is left of what was written since.
 */
export function recovered(
  { rows, timeMs }: ApplyContext,
  { skipBlobs, keepOrphansMs }: Of<"recovered">,
): CommandResult {
  const next = rows.get(keys.blobLease())?.next ?? 1;
  rows.put(keys.blobLease(), { next: next + skipBlobs });
  // Of the group that had the copy nobody is left: it is founded anew.
  for (const node of rows.get(keys.roll())?.nodes ?? []) rows.delete(keys.member(node));
  rows.delete(keys.roll());
  rows.put(keys.recovered(), { ms: timeMs, keepOrphansUntilMs: timeMs + keepOrphansMs });
  return { type: "done" };
}

/** A block as a device holds it, known to the state or not. */
export function foundBlock(context: ApplyContext, command: Of<"foundBlock">): CommandResult {
  const { rows, timeMs } = context;
  const { block, generation, sealed, members } = command;
  const known = rows.get(keys.block(block));
  if (known === undefined) {
    rows.put(keys.block(block), {
      state: sealed ? "sealed" : "open",
      generation,
      pool: 0,
      members,
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
  rows.put(keys.block(block), { ...known, generation });
  return { type: "done" };
}
