/** The rows of sessions (raft/sessions.ts) in the state. */
import type { SessionId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { ResultRow, SessionRow, SessionRows } from "../raft/sessions.ts";
import { keys, type RowKey } from "./keyspace.ts";
import type { SessionResult, SessionResultsRow } from "./rows.ts";
import type { Rows } from "./transaction.ts";

const slotOf = ([sequence]: SessionResult) => sequence % limits.sessionWindow;
const NONE: readonly SessionResult[] = [];

export class StoredSessions implements SessionRows {
  readonly #rows: Rows;
  /** The key made last: a command asks for the same one several times. */
  #lastKey: RowKey<SessionResultsRow> | undefined;
  #lastId: SessionId | undefined;
  #lastRow = -1;

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
    for (const result of this.#results(id, slot))
      if (slotOf(result) === slot) return { sequence: result[0], result: result[1] };
    return undefined;
  }

  putResult(id: SessionId, slot: number, { sequence, result }: ResultRow): void {
    const before = this.#results(id, slot);
    const results: SessionResult[] = [];
    for (const one of before) if (slotOf(one) < slot) results.push(one);
    results.push([sequence, result]);
    for (const one of before) if (slotOf(one) > slot) results.push(one);
    this.#rows.put(this.#key(id, slot), { results });
  }

  deleteResult(id: SessionId, slot: number): void {
    const results = this.#results(id, slot).filter((one) => slotOf(one) !== slot);
    if (results.length === 0) this.#rows.delete(this.#key(id, slot));
    else this.#rows.put(this.#key(id, slot), { results });
  }

  getCount(): number {
    return this.#rows.get(keys.sessionCount())?.count ?? 0;
  }

  putCount(count: number): void {
    if (count === 0) this.#rows.delete(keys.sessionCount());
    else this.#rows.put(keys.sessionCount(), { count });
  }

  #results(id: SessionId, slot: number): readonly SessionResult[] {
    return this.#rows.get(this.#key(id, slot))?.results ?? NONE;
  }

  #key(id: SessionId, slot: number): RowKey<SessionResultsRow> {
    const row = Math.floor(slot / limits.sessionRowSlots);
    if (this.#lastKey === undefined || id !== this.#lastId || row !== this.#lastRow) {
      this.#lastKey = keys.sessionResults(id, row);
      this.#lastId = id;
      this.#lastRow = row;
    }
    return this.#lastKey;
  }
}
