/**
 * A server's side of one connection: requests come in, answers go out. A request is handled once
 * its payload is whole; payloads and answers stay within the server's budgets.
 */
import { payloadPool } from "../base/buffer-pool.ts";
import { QuarryError, unreachable } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { type EncodedAnswer, encodeAnswer, encodeFailure } from "./answer.ts";
import { decodeHeader } from "./codec.ts";
import type { Connection, ConnectionOwner } from "./connection.ts";
import { Deadlines } from "./deadlines.ts";
import { broken, type FrameHead, frameKinds, HAS_PAYLOAD } from "./frame.ts";
import {
  expectedAnswerBytes,
  type Incoming,
  incomingFrom,
  leaveLine,
  releaseAnswer,
  releasePayload,
  reusePayload,
  whenThereIsRoom,
} from "./incoming.ts";
import type { ServedMethod } from "./serve.ts";
import type { ServedPeer, ServerState } from "./server-state.ts";

const none = Buffer.alloc(0);

export class ServerConnection implements ConnectionOwner, ServedPeer {
  readonly #server: ServerState;
  readonly #streams = new Map<number, Incoming>();
  readonly #deadlines: Deadlines<Incoming>;
  #connection: Connection | undefined;
  /** The request of the frame that is coming in. */
  #current: Incoming | undefined;

  constructor(server: ServerState) {
    this.#server = server;
    this.#deadlines = new Deadlines(server.clock, this.#streams, (stream, incoming) =>
      this.#expire(stream, incoming),
    );
  }

  /** The transport below, given once. */
  attach(connection: Connection): void {
    this.#connection = connection;
  }

  get unanswered(): number {
    return this.#streams.size;
  }

  close(): void {
    this.#connection?.finish();
  }

  abandon(): void {
    this.#connection?.fail(new QuarryError("Closed", "this server is closed"));
  }

  ready(): void {
    // nothing to do until the client asks
  }

  lost(error: unknown): void {
    this.#deadlines.stop();
    for (const [stream, incoming] of this.#streams) this.#forget(stream, incoming);
    this.#server.connections.delete(this);
    if (!(error instanceof QuarryError)) this.#server.report(error, "rpc connection");
  }

  begin(head: Readonly<FrameHead>, header: Buffer): Uint8Array | undefined {
    this.#current = undefined;
    switch (head.kind) {
      case frameKinds.request:
        return this.#beginRequest(head, header);
      case frameKinds.data:
        return this.#beginPiece(head);
      case frameKinds.credit:
        this.#connection?.outbox.allow(head.stream);
        return undefined;
      case frameKinds.cancel: {
        const incoming = this.#streams.get(head.stream);
        if (incoming !== undefined) this.#forget(head.stream, incoming);
        return undefined;
      }
      case frameKinds.ping:
        this.#connection?.outbox.pong();
        return undefined;
      default:
        throw broken("an answer to a server");
    }
  }

  end(head: Readonly<FrameHead>): void {
    const incoming = this.#current;
    if (incoming === undefined || incoming.receivedBytes < incoming.payloadBytes) return;
    // it may have been given up while the frame came in
    if (this.#streams.get(head.stream) === incoming) this.#handle(head.stream, incoming);
  }

  #beginRequest(head: Readonly<FrameHead>, header: Buffer): Uint8Array | undefined {
    const { stream, payloadBytes } = head;
    const inline = payloadBytes <= limits.rpcInlineBytes;
    if (head.lengthBytes - head.headerBytes !== (inline ? payloadBytes : 0))
      throw broken("half a payload");
    if (this.#streams.has(stream)) throw broken("a stream twice");
    const args = decodeHeader(header);
    if (!Array.isArray(args) || args.length > limits.rpcArguments)
      throw broken("a request without arguments");
    const served = this.#server.methods.get(head.method);
    if (served === undefined) {
      this.#fail(
        stream,
        new QuarryError(
          "NotImplemented",
          "it is another kind of server, or of another version of Quarry: it has no such method",
        ),
      );
      return undefined;
    }
    const refusal = this.#refusal(head, served, inline);
    if (refusal !== undefined) {
      this.#fail(stream, refusal);
      return undefined;
    }
    const incoming = incomingFrom(head, served, args, this.#server.clock.monotonicMs());
    this.#current = incoming;
    this.#streams.set(stream, incoming);
    this.#deadlines.watch(incoming.deadlineAtMs);
    if (!inline) this.#makeRoom(stream, incoming);
    else if (payloadBytes > 0) {
      incoming.budget = this.#server.inlineBudget;
      incoming.payload = payloadPool.take(payloadBytes);
    }
    return inline ? incoming.payload : undefined;
  }

  /** Why a request is not taken, if so; last it takes the room of an inline payload. */
  #refusal(head: Readonly<FrameHead>, served: ServedMethod, inline: boolean) {
    if (served.method.rawArgument !== ((head.flags & HAS_PAYLOAD) !== 0))
      throw broken("a payload too many or too few");
    if (this.#server.draining) return new QuarryError("Closed", "this server is going away");
    if (this.#streams.size >= limits.rpcStreams)
      return new QuarryError("Busy", "too many unanswered requests on this connection");
    if (inline && !this.#server.inlineBudget.tryTake(head.payloadBytes))
      return new QuarryError("Busy", "this server holds as many requests as it may");
    return undefined;
  }

  /** Asks the budget for a large payload; once it is there, the client may send. */
  #makeRoom(stream: number, incoming: Incoming): void {
    const { budget } = this.#server;
    whenThereIsRoom(incoming, budget, incoming.payloadBytes, () => {
      incoming.budget = budget;
      incoming.payload = payloadPool.take(incoming.payloadBytes);
      this.#connection?.outbox.grant(stream, incoming.payloadBytes);
    });
  }

  #beginPiece(head: Readonly<FrameHead>): Uint8Array | undefined {
    const incoming = this.#streams.get(head.stream);
    if (incoming === undefined) return undefined; // it was given up
    const at = incoming.receivedBytes;
    const next = at + head.lengthBytes;
    if (head.headerBytes > 0 || incoming.payload === undefined || next > incoming.payloadBytes)
      throw broken("a piece that was not asked for");
    if (head.lengthBytes === 0) throw broken("an empty piece");
    this.#current = incoming;
    incoming.receivedBytes = next;
    return incoming.payload.subarray(at, next);
  }

  /** The request is whole: makes room for its answer, then runs it. */
  #handle(stream: number, incoming: Incoming): void {
    if (incoming.served.method.answerBytes === undefined) {
      this.#run(stream, incoming);
      return;
    }
    let bytes: number;
    try {
      bytes = expectedAnswerBytes(incoming);
    } catch (error) {
      this.#failed(stream, incoming, error);
      return;
    }
    whenThereIsRoom(incoming, this.#server.answerBudget, bytes, () => {
      incoming.answerBytes = bytes;
      this.#run(stream, incoming);
    });
  }

  #run(stream: number, incoming: Incoming): void {
    const { served, args, payload } = incoming;
    incoming.stage = "running";
    if (served.method.rawArgument) args.push(payload ?? none);
    try {
      served.invoke(args).then(
        (answer) => this.#answer(stream, incoming, answer),
        (error: unknown) => this.#failed(stream, incoming, error),
      );
    } catch (error) {
      this.#failed(stream, incoming, error);
    }
  }

  #answer(stream: number, incoming: Incoming, answer: unknown): void {
    reusePayload(incoming);
    if (this.#streams.get(stream) !== incoming) {
      releaseAnswer(this.#server, incoming); // no one waits for it any more
      return;
    }
    let encoded: EncodedAnswer;
    try {
      encoded = encodeAnswer(answer, incoming.served.method.rawField);
    } catch (error) {
      this.#failed(stream, incoming, error);
      return;
    }
    incoming.stage = "answered";
    const { header, payload } = encoded;
    const sent = (whole: boolean) => {
      if (whole && payload !== undefined) payloadPool.give(payload);
      releaseAnswer(this.#server, incoming);
      if (this.#streams.get(stream) === incoming) this.#streams.delete(stream);
    };
    this.#connection?.outbox.message(
      { kind: frameKinds.reply, stream, method: 0, deadlineMs: 0, creditBytes: 0 },
      header,
      payload,
      incoming.creditBytes,
      payload === undefined ? undefined : sent,
    );
    if (payload === undefined) sent(true);
  }

  /** The handler threw, or what it answered cannot be sent. */
  #failed(stream: number, incoming: Incoming, error: unknown): void {
    const told = this.#tellable(error, incoming.served);
    reusePayload(incoming);
    releaseAnswer(this.#server, incoming);
    if (this.#streams.get(stream) !== incoming) return; // no one waits for it any more
    this.#streams.delete(stream);
    this.#fail(stream, told);
  }

  #fail(stream: number, error: QuarryError): void {
    this.#connection?.outbox.message(
      { kind: frameKinds.failure, stream, method: 0, deadlineMs: 0, creditBytes: 0 },
      encodeFailure(error),
      undefined,
      0,
    );
  }

  /** What of an error the peer may know; the rest is reported here. */
  #tellable(error: unknown, served: ServedMethod): QuarryError {
    if (error instanceof QuarryError) return error;
    this.#server.report(error, served.name);
    return new QuarryError("Unavailable", `internal error in ${served.name}`);
  }

  #expire(stream: number, incoming: Incoming): void {
    switch (incoming.stage) {
      case "coming":
      case "running":
        this.#forget(stream, incoming);
        this.#fail(stream, new QuarryError("Timeout", `${incoming.served.name} took too long`));
        break;
      case "answered":
        if (this.#connection?.outbox.isSent(stream) !== true) this.#forget(stream, incoming);
        else {
          incoming.stage = "late";
          incoming.deadlineAtMs += limits.rpcDeadlineMs;
          this.#deadlines.watch(incoming.deadlineAtMs);
        }
        break;
      case "late":
        this.#connection?.fail(new QuarryError("Timeout", "the peer does not take its answers"));
        break;
      default:
        unreachable(incoming.stage);
    }
  }

  /** Nobody waits for the answer any more. A handler that runs keeps what it holds until it ends. */
  #forget(stream: number, incoming: Incoming): void {
    this.#streams.delete(stream);
    this.#connection?.outbox.drop(stream);
    leaveLine(incoming);
    if (incoming.stage === "coming") releasePayload(incoming);
  }
}
