/** Clears away the sessions of clients that were silent for too long. */
import type { SessionId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { isOver } from "../../raft/sessions.ts";
import { KeyReader, prefixOf } from "../keyspace.ts";
import { decodeRow } from "../row-codec.ts";
import type { SessionRow } from "../rows.ts";
import type { Stored } from "../state-store.ts";
import { QueueCursor } from "./queue.ts";
import { logTime, type WorkContext, type Worker } from "./worker.ts";

/** Sessions that one step looks at. */
const LOOKED_AT = 256;

/** `restMs`: between two looks at all of them. */
export function clearSessions(context: WorkContext, restMs: number): Worker {
  const { group, clock } = context;
  const cursor = new QueueCursor(group.state, "session");
  let restUntilMs = clock.monotonicMs();
  return {
    name: "clearing of sessions that are over",
    async step() {
      if (clock.monotonicMs() < restUntilMs) return false;
      const rows = await cursor.next(LOOKED_AT);
      const timeMs = logTime(context);
      const over = rows.filter((stored) => isSilent(stored, timeMs));
      const due = over.slice(0, limits.sessionsCleared);
      const sessions = due.map(({ key }) => new KeyReader(key).u56() as SessionId);
      if (sessions.length > 0) await group.propose({ type: "clearSessions", sessions });
      const last = over.length > due.length ? due.at(-1) : rows.at(-1);
      if (last !== undefined) cursor.passed(last.key);
      if (rows.length === LOOKED_AT || over.length > due.length) return true;
      cursor.rewind(prefixOf("session"));
      restUntilMs = clock.monotonicMs() + restMs;
      return false;
    },
  };
}

function isSilent({ key, value }: Stored, timeMs: number): boolean {
  return isOver({ lastMs: decodeRow<SessionRow>(key, value).ms }, timeMs);
}
