/**
 * What requests that failed leave in the log. A defect is told with its stack, every time. What the
 * store or the machine cannot do at the moment is one line, and not one for each request: a full disk
 * must not be filled up by the log that says so.
 */
import type { Logger } from "pino";
import type { Clock } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import type { S3Error } from "./s3/errors.ts";

export interface Refused {
  readonly requestId: string;
  readonly verb: string;
  /** Encoded. */
  readonly path: string;
}

interface Quiet {
  readonly untilMs: number;
  /** Requests that were refused alike since the last line. */
  unsaid: number;
}

export class RefusalLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** By code, of which there are few. */
  readonly #quiet = new Map<string, Quiet>();

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** `told` is what the client hears of `error`. */
  refused(request: Refused, told: S3Error, error: unknown): void {
    const { code, status } = told;
    const reason = error instanceof Error ? error.message : String(error);
    if (code === "InternalError") this.#logger.error({ ...request, err: error }, "request failed");
    else if (code === "ObjectDamaged")
      this.#logger.error({ ...request, code, reason }, "stored bytes are damaged");
    else if (status >= 500 && code !== "NotImplemented" && code !== "SlowDown")
      this.#notNow(request, code, reason);
    else if (this.#logger.isLevelEnabled("debug"))
      this.#logger.debug({ ...request, code }, "request refused");
  }

  #notNow(request: Refused, code: string, reason: string): void {
    const nowMs = this.#clock.monotonicMs();
    const quiet = this.#quiet.get(code);
    if (quiet !== undefined && nowMs < quiet.untilMs) {
      quiet.unsaid++;
      return;
    }
    this.#quiet.set(code, { untilMs: nowMs + limits.refusalLogMs, unsaid: 0 });
    const alike = quiet?.unsaid ?? 0;
    this.#logger.warn(
      { ...request, code, reason, ...(alike > 0 && { alikeSince: alike }) },
      "requests cannot be served",
    );
  }
}
