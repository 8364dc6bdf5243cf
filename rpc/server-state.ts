/** What the connections of one server share. */
import type { Clock } from "../base/clock.ts";
import type { Budget } from "./budget.ts";
import type { ServedMethod } from "./serve.ts";

/** Told of errors that are defects of this process; peers hear "internal error" only. */
export type Report = (error: unknown, where: string) => void;

export interface ServedPeer {
  /** Requests that are not answered yet. */
  readonly unanswered: number;
  /** Ends the connection once all answers are out. */
  close(): void;
  /** Ends it at once. */
  abandon(): void;
}

export interface ServerState {
  readonly clock: Clock;
  readonly methods: ReadonlyMap<number, ServedMethod>;
  /** For payloads that come with their request. */
  readonly inlineBudget: Budget;
  /** For payloads that wait for credit. Apart, so that neither kind can starve the other. */
  readonly budget: Budget;
  /** For the raw bytes of answers, from before they are made until clients took them. */
  readonly answerBudget: Budget;
  readonly connections: Set<ServedPeer>;
  readonly report: Report;
  /** Takes no new requests. */
  draining: boolean;
}
