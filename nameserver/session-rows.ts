/** The rows of sessions (raft/sessions.ts) in the state. */
import type { SessionId } from "../base/ids.ts";
import type { ResultRow, SessionRow, SessionRows } from "../raft/sessions.ts";
import { keys } from "./keyspace.ts";
import type { Rows } from "./transaction.ts";

export class StoredSessions implements SessionRows {
  readonly #rows: Rows;

  constructor(rows: Rows) {
    this.#rows = rows;
  }

  getSession(id: SessionId): SessionRow | undefined {
    const row = this.#rows.get(keys.session(id));
    return row && { lastMs: row.ms };
  }

  putSession(id: SessionId, { lastMs }: SessionRow): void {
    this.#rows.put(keys.session(id), { ms: lastMs });
  }

  deleteSession(id: SessionId): void {
    this.#rows.delete(keys.session(id));
  }

  getResult(id: SessionId, slot: number): ResultRow | undefined {
    const row = this.#rows.get(keys.sessionResult(id, slot));
    return row && { sequence: row.seq, result: row.outcome };
  }

  putResult(id: SessionId, slot: number, { sequence, result }: ResultRow): void {
    this.#rows.put(keys.sessionResult(id, slot), { seq: sequence, outcome: result });
  }

  deleteResult(id: SessionId, slot: number): void {
    this.#rows.delete(keys.sessionResult(id, slot));
  }

  getCount(): number {
    return this.#rows.get(keys.sessionCount())?.count ?? 0;
  }

  putCount(count: number): void {
    if (count === 0) this.#rows.delete(keys.sessionCount());
    else this.#rows.put(keys.sessionCount(), { count });
  }
}
