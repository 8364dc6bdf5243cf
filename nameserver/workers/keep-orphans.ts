/** Needles that nothing names may be all that is left of what was written since a copy of the metadata. */
import { keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import { logTime, type WorkContext } from "./worker.ts";

/** True for a while after the metadata were brought back from a copy: nothing unnamed is removed. */
export function keepsOrphans(context: Pick<WorkContext, "group" | "clock">): boolean {
  const until = read(context.group.state, keys.recovered())?.keepOrphansUntilMs ?? 0;
  return logTime(context) < until;
}
