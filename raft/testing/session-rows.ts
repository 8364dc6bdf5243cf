/** Rows of sessions in memory. */
import type { SessionId } from "../../base/ids.ts";
import type { ResultRow, SessionRow, SessionRows } from "../sessions.ts";

export class MemorySessions implements SessionRows {
  readonly sessions: Map<SessionId, SessionRow>;
  readonly results: Map<string, ResultRow>;
  #count: number;

  constructor(from?: MemorySessions) {
    this.sessions = new Map(from?.sessions);
    this.results = new Map(from?.results);
    this.#count = from?.getCount() ?? 0;
  }

  getSession(id: SessionId): SessionRow | undefined {
    return this.sessions.get(id);
  }
  putSession(id: SessionId, row: SessionRow): void {
    this.sessions.set(id, row);
  }
  deleteSession(id: SessionId): void {
    this.sessions.delete(id);
  }
  getResult(id: SessionId, slot: number): ResultRow | undefined {
    return this.results.get(`${id}/${slot}`);
  }
  putResult(id: SessionId, slot: number, row: ResultRow): void {
    this.results.set(`${id}/${slot}`, row);
  }
  deleteResult(id: SessionId, slot: number): void {
    this.results.delete(`${id}/${slot}`);
  }
  getCount(): number {
    return this.#count;
  }
  putCount(count: number): void {
    this.#count = count;
  }
}
