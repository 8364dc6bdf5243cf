/** A request at the server, and what it holds of the server's memory while it is there. */
import { payloadPool } from "../base/buffer-pool.ts";
import { limits } from "../base/limits.ts";
import type { Budget, BudgetWaiter } from "./budget.ts";
import type { FrameHead } from "./frame.ts";
import type { ServedMethod } from "./serve.ts";
import type { ServerState } from "./server-state.ts";

export interface Incoming {
  readonly served: ServedMethod;
  readonly args: unknown[];
  /** Monotonic. */
  deadlineAtMs: number;
  readonly payloadBytes: number;
  /** An answer's raw bytes may go unasked up to here. */
  readonly creditBytes: number;
  receivedBytes: number;
  payload: Buffer | undefined;
  /** Where the payload's bytes are held. */
  budget: Budget | undefined;
  /** In which line the request stands, while it does. */
  line: { readonly budget: Budget; readonly waiter: BudgetWaiter } | undefined;
  /** Held for the raw bytes of the answer. */
  answerBytes: number;
  /**
   * `coming` until its payload is whole and there is room for its answer, `late` when the answer
   * waits in the socket beyond the deadline.
   */
  stage: "coming" | "running" | "answered" | "late";
}

export function incomingFrom(
  head: Readonly<FrameHead>,
  served: ServedMethod,
  args: unknown[],
  nowMs: number,
): Incoming {
  return {
    served,
    args,
    deadlineAtMs: nowMs + Math.min(head.deadlineMs, limits.rpcLongestMs),
    payloadBytes: head.payloadBytes,
    creditBytes: head.creditBytes,
    receivedBytes: head.lengthBytes - head.headerBytes,
    payload: undefined,
    budget: undefined,
    line: undefined,
    answerBytes: 0,
    stage: "coming",
  };
}

/** Runs `then` once `bytes` of `budget` are taken for the request. */
export function whenThereIsRoom(
  incoming: Incoming,
  budget: Budget,
  bytes: number,
  then: () => void,
): void {
  if (budget.tryTake(bytes)) {
    then();
    return;
  }
  const granted = () => {
    incoming.line = undefined;
    then();
  };
  const waiter = { bytes, granted };
  incoming.line = { budget, waiter };
  budget.take(waiter);
}

/** How much room to make for the raw bytes of the answer. Throws what the table's estimate throws. */
export function expectedAnswerBytes({ served, args }: Incoming): number {
  const bytes = served.method.answerBytes?.(...args) ?? 0;
  // a peer may ask for anything
  return bytes >= 0 && bytes <= limits.rpcPayloadBytes ? bytes : limits.rpcPayloadBytes;
}

/** The handler has ended: the memory of the request's payload serves the next one. */
export function reusePayload(incoming: Incoming): void {
  if (incoming.payload !== undefined) payloadPool.give(incoming.payload);
  releasePayload(incoming);
}

/** Gives the payload's bytes back, but leaves its memory to whoever may still write into it. */
export function releasePayload(incoming: Incoming): void {
  incoming.budget?.release(incoming.payloadBytes);
  incoming.budget = undefined;
  incoming.payload = undefined;
}

export function releaseAnswer(server: ServerState, incoming: Incoming): void {
  if (incoming.answerBytes > 0) server.answerBudget.release(incoming.answerBytes);
  incoming.answerBytes = 0;
}

export function leaveLine(incoming: Incoming): void {
  incoming.line?.budget.leave(incoming.line.waiter);
  incoming.line = undefined;
}
