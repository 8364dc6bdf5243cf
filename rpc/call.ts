/** One call of a client, from its start to its end. */

import { type ErrorCode, QuarryError } from "../base/errors.ts";
import type { BudgetWaiter } from "./budget.ts";
import type { Method } from "./service-table.ts";

/** A call that ended without an answer. */
export class InterruptedCall extends QuarryError {
  /** False: the server has certainly not begun; a retry is safe. */
  readonly mayHaveExecuted: boolean;
  constructor(code: ErrorCode, message: string, mayHaveExecuted: boolean, cause?: unknown) {
    const fate = mayHaveExecuted ? "it may have been executed" : "it was not executed";
    super(code, `${message}; ${fate}`, { cause });
    this.mayHaveExecuted = mayHaveExecuted;
  }
}

export interface CallOptions {
  /** Gives the call up; it fails with `Cancelled`. */
  readonly signal?: AbortSignal;
  readonly deadlineMs?: number;
}

export interface Call {
  readonly method: Method;
  readonly header: Buffer;
  /** The raw argument; not copied, so it must not change before the call ends. */
  readonly payload: Uint8Array | undefined;
  readonly deadlineMs: number;
  readonly deadlineAtMs: number;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: QuarryError) => void;
  /** Stops listening to the signal. */
  forget: (() => void) | undefined;
  sent: boolean;
  /** What is held of the connection's budget for the answer's payload. */
  heldBytes: number;
  waiter: BudgetWaiter | undefined;
  answer: unknown;
  received: Buffer | undefined;
  receivedBytes: number;
}
