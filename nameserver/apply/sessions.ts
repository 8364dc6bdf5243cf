/** Commands that begin and end the sessions of clients (raft/sessions.ts). */
import { clearSessions, closeSession, openSession } from "../../raft/sessions.ts";
import type { AnyResult, SystemCommand } from "../command.ts";
import { StoredSessions } from "../session-rows.ts";
import type { ApplyContext } from "./context.ts";

export function open({ rows, index, timeMs }: ApplyContext): AnyResult {
  return { type: "session", session: openSession(new StoredSessions(rows), index, timeMs) };
}

export function close(
  { rows }: ApplyContext,
  { session }: Extract<SystemCommand, { type: "closeSession" }>,
): AnyResult {
  closeSession(new StoredSessions(rows), session);
  return { type: "done" };
}

export function clear(
  { rows, timeMs }: ApplyContext,
  { sessions }: Extract<SystemCommand, { type: "clearSessions" }>,
): AnyResult {
  clearSessions(new StoredSessions(rows), sessions, timeMs);
  return { type: "done" };
}
