/** One request and its response: what every step of the pipeline may need of the connection. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import type { AnswerHeaders } from "./answer.ts";
import { RequestBody } from "./request-body.ts";

/** What the answers of one gateway share. */
export interface GatewayState {
  /** Names this gateway in answers; empty for faces that do not speak as AWS does. */
  readonly hostId: string;
  /** Where clients must say that they send to. */
  readonly region: string;
  /** From now on every answer closes its connection. */
  readonly closing: boolean;
}

export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly gateway: GatewayState;
  readonly clock: Clock;
  readonly startedMs: number;
  readonly body: RequestBody;
  /** AWS's name of the operation, once it is known. */
  verb = "Unknown";
  /** Encoded path, for errors. */
  path = "";
  /** Headers that the answer carries whatever becomes of the request. */
  everyAnswer: AnswerHeaders = {};
  sentBytes = 0;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
    gateway: GatewayState,
    clock: Clock,
  ) {
    this.request = request;
    this.response = response;
    this.requestId = requestId;
    this.gateway = gateway;
    this.clock = clock;
    this.startedMs = clock.monotonicMs();
    this.body = new RequestBody(request, response, clock);
  }

  /** Whether there is nobody left to answer. */
  get gone(): boolean {
    return this.request.socket.destroyed || this.response.destroyed;
  }

  /** Runs a write on the response; settles when it was taken, fails when the client vanished. */
  written(write: (done: (error?: Error | null) => void) => void): Promise<void> {
    const { socket } = this.request;
    return new Promise((resolve, reject) => {
      const settle = (error?: Error | null) => {
        socket.removeListener("close", vanished);
        if (error) reject(new QuarryError("Cancelled", "the client went away", { cause: error }));
        else resolve();
      };
      const vanished = () => settle(new Error("connection closed"));
      if (socket.destroyed) {
        vanished();
        return;
      }
      socket.on("close", vanished);
      write(settle);
    });
  }
}
