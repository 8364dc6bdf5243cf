/**
 * Exactly-once application for clients that retry. A client opens a session and numbers its
 * commands; the state machine keeps the results of the last `limits.sessionWindow` numbers, so a
 * command that arrives again is answered with its result rather than applied again. A session that
 * is over gives an error, never a second application.
 *
 * Everything here is part of applying the log: it depends on rows of the state and on log time only,
 * so it comes out the same everywhere. A client keeps at most `limits.sessionWindow` numbers
 * unanswered: it does not use n before n - window has its answer.
 */
import { assert, QuarryError } from "../base/errors.ts";
import type { LogIndex, SessionId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";

export interface SessionRow {
  /** Log time of a command of it, at most {@link TOUCH_MS} before the last one. */
  readonly lastMs: number;
}

export interface ResultRow {
  readonly sequence: number;
  /** What the state machine made of the command, a refusal too. */
  readonly result: Uint8Array;
}

/** The rows of the state that hold sessions, as the command at work sees and changes them. */
export interface SessionRows {
  getSession(id: SessionId): SessionRow | undefined;
  putSession(id: SessionId, row: SessionRow): void;
  deleteSession(id: SessionId): void;
  getResult(id: SessionId, slot: number): ResultRow | undefined;
  putResult(id: SessionId, slot: number, row: ResultRow): void;
  deleteResult(id: SessionId, slot: number): void;
  getCount(): number;
  putCount(count: number): void;
}

/** `apply`: it is new. `repeat`: it was applied, with this result. */
export type Admission =
  | { readonly type: "apply" }
  | { readonly type: "repeat"; readonly result: Uint8Array };

const APPLY: Admission = { type: "apply" };

/** A session's row is not written for every command, only when it is older than this. */
const TOUCH_MS = limits.sessionMs / 16;

/**
 * Opens a session. Its id is the index of the entry that opens it, which is never used again.
 * @throws QuarryError `Busy` when there are too many.
 */
export function openSession(rows: SessionRows, index: LogIndex, timeMs: number): SessionId {
  const count = rows.getCount();
  if (count >= limits.sessions)
    throw new QuarryError("Busy", "too many clients have a session; try again later");
  const id = index as number as SessionId;
  assert(rows.getSession(id) === undefined, "an entry opens one session");
  rows.putSession(id, { lastMs: timeMs });
  rows.putCount(count + 1);
  return id;
}

/**
 * Says whether a command is to be applied. If so, {@link remember} follows in the same entry.
 * @throws QuarryError `SessionExpired` when that cannot be told any more, `InvalidArgument`.
 */
export function admit(
  rows: SessionRows,
  id: SessionId,
  sequence: number,
  timeMs: number,
): Admission {
  if (!Number.isInteger(sequence) || sequence < 1)
    throw new QuarryError("InvalidArgument", "commands of a session are numbered from 1");
  const session = rows.getSession(id);
  if (session === undefined || isOver(session, timeMs)) throw expired("the session is over");
  if (timeMs - session.lastMs >= TOUCH_MS) rows.putSession(id, { lastMs: timeMs });
  const kept = rows.getResult(id, slotOf(sequence));
  if (kept === undefined || kept.sequence < sequence) return APPLY;
  if (kept.sequence === sequence) return { type: "repeat", result: kept.result };
  throw expired("its result is not kept any more");
}

/** Keeps the result of a command that was admitted and applied. */
export function remember(
  rows: SessionRows,
  id: SessionId,
  sequence: number,
  result: Uint8Array,
): void {
  assert(result.length <= limits.sessionResultBytes, "a result is small");
  const kept = rows.getResult(id, slotOf(sequence));
  assert(kept === undefined || kept.sequence < sequence, "a command is applied once");
  rows.putResult(id, slotOf(sequence), { sequence, result });
}

/** Ends a session at its client's wish; one that is over already stays so. */
export function closeSession(rows: SessionRows, id: SessionId): void {
  if (rows.getSession(id) === undefined) return;
  for (let slot = 0; slot < limits.sessionWindow; slot++)
    if (rows.getResult(id, slot) !== undefined) rows.deleteResult(id, slot);
  rows.deleteSession(id);
  rows.putCount(rows.getCount() - 1);
}

/** Clears away those of the given sessions that are over; a worker looks for them. */
export function clearSessions(
  rows: SessionRows,
  ids: readonly SessionId[],
  timeMs: number,
): number {
  if (ids.length > limits.sessionsCleared)
    throw new QuarryError("TooLarge", `at most ${limits.sessionsCleared} sessions at once`);
  let cleared = 0;
  for (const id of ids) {
    const session = rows.getSession(id);
    if (session === undefined || !isOver(session, timeMs)) continue;
    closeSession(rows, id);
    cleared++;
  }
  return cleared;
}

/** Whether a session has been silent for too long, by log time. */
export function isOver({ lastMs }: SessionRow, timeMs: number): boolean {
  return timeMs - lastMs > limits.sessionMs;
}

const slotOf = (sequence: number): number => sequence % limits.sessionWindow;

const expired = (why: string) =>
  new QuarryError(
    "SessionExpired",
    `${why}: whether the change was made cannot be told; look, then ask in a new session`,
  );
