/** Every kept result belongs to a session, and stands where its number says. */
import { limits } from "../../base/limits.ts";
import { KeyReader, keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import type * as rows from "../rows.ts";
import { wholeRows } from "./audit-blobs.ts";
import type { Audit } from "./audit-state.ts";

export async function auditSessions({ state, problem }: Audit): Promise<void> {
  const ids = new Set<number>();
  for await (const [key] of wholeRows<rows.SessionRow>(state, "session"))
    ids.add(new KeyReader(key).u56());
  const stated = read(state, keys.sessionCount())?.count ?? 0;
  if (stated !== ids.size) problem(`${stated} sessions are counted, and there are ${ids.size}`);
  for await (const [key, { results }] of wholeRows<rows.SessionResultsRow>(
    state,
    "sessionResults",
  )) {
    const reader = new KeyReader(key);
    const session = reader.u56();
    const row = reader.u32();
    if (!ids.has(session)) problem(`there are results of session ${session}, which is not there`);
    const slots = results.map(([sequence]) => sequence % limits.sessionWindow);
    const isInPlace = slots.every(
      (slot, i) =>
        Math.floor(slot / limits.sessionRowSlots) === row &&
        (i === 0 || slot > (slots[i - 1] ?? 0)),
    );
    if (slots.length === 0 || !isInPlace)
      problem(`results of session ${session} stand where their numbers do not say`);
  }
}
