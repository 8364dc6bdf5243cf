/**
 * A server's side of one connection: requests come in, answers go out. A request is handled once
 * its payload is whole; payloads are received within the server's budgets only.
 */
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Budget, BudgetWaiter } from "./budget.ts";
import { decodeHeader, encodeHeader } from "./codec.ts";
import type { Connection, ConnectionOwner } from "./connection.ts";
import { Deadlines } from "./deadlines.ts";
import { broken, type FrameHead, frameKinds, HAS_PAYLOAD } from "./frame.ts";
import type { ServedMethod } from "./serve.ts";
import type { ServedPeer, ServerState } from "./server-state.ts";

const FAILURE_CHARACTERS = 4096;
const none = Buffer.alloc(0);

interface Incoming {
  readonly served: ServedMethod;
  readonly args: unknown[];
  readonly deadlineAtMs: number;
  readonly payloadBytes: number;
  /** A reply's payload of at most this may go unasked. */
  readonly creditBytes: number;
  budget: Budget | undefined;
  waiter: BudgetWaiter | undefined;
  payload: Buffer | undefined;
  receivedBytes: number;
  running: boolean;
}

export class ServerConnection implements ConnectionOwner, ServedPeer {
  readonly #server: ServerState;
  readonly #streams = new Map<number, Incoming>();
  readonly #deadlines: Deadlines<Incoming>;
  #connection: Connection | undefined;
  #current: Incoming | undefined;

  constructor(server: ServerState) {
    this.#server = server;
    this.#deadlines = new Deadlines(server.clock, this.#streams, (stream, incoming) => {
      this.#forget(stream, incoming);
      this.#fail(stream, new QuarryError("Timeout", `${incoming.served.name} took too long`));
    });
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
      default:
        throw broken("an answer to a server");
    }
  }

  end(head: Readonly<FrameHead>): void {
    const incoming = this.#current;
    if (incoming === undefined || incoming.receivedBytes < incoming.payloadBytes) return;
    // it may have been given up while the frame came in
    if (this.#streams.get(head.stream) !== incoming) return;
    this.#handle(head.stream, incoming);
  }

  #beginRequest(head: Readonly<FrameHead>, header: Buffer): Uint8Array | undefined {
    const { stream, payloadBytes } = head;
    const inlineBytes = head.lengthBytes - head.headerBytes;
    if (inlineBytes !== (payloadBytes <= limits.rpcInlineBytes ? payloadBytes : 0))
      throw broken("half a payload");
    if (this.#streams.has(stream)) throw broken("a stream twice");
    const args = decodeHeader(header);
    if (!Array.isArray(args) || args.length > limits.rpcArguments)
      throw broken("a request without arguments");
    const served = this.#server.methods.get(head.method);
    const refusal = this.#refusal(head, served);
    if (refusal !== undefined || served === undefined) {
      this.#fail(stream, refusal);
      return undefined;
    }
    const incoming: Incoming = {
      served,
      args,
      deadlineAtMs:
        this.#server.clock.monotonicMs() + Math.min(head.deadlineMs, limits.rpcLongestMs),
      payloadBytes,
      creditBytes: head.creditBytes,
      budget: undefined,
      waiter: undefined,
      payload: undefined,
      receivedBytes: inlineBytes,
      running: false,
    };
    this.#current = incoming;
    this.#streams.set(stream, incoming);
    this.#deadlines.watch(incoming.deadlineAtMs);
    if (payloadBytes > limits.rpcInlineBytes) this.#makeRoom(stream, incoming);
    else if (payloadBytes > 0) {
      incoming.budget = this.#server.inlineBudget;
      incoming.payload = Buffer.allocUnsafe(payloadBytes);
    }
    return incoming.payload;
  }

  /** Why a request is not taken, if so. Takes the room of an inline payload last. */
  #refusal(head: Readonly<FrameHead>, served: ServedMethod | undefined): QuarryError | undefined {
    if (served === undefined)
      return new QuarryError("NotImplemented", "this server does not offer the method");
    if (served.method.rawArgument !== ((head.flags & HAS_PAYLOAD) !== 0))
      throw broken("a payload too many or too few");
    if (this.#server.draining) return new QuarryError("Closed", "this server is going away");
    if (this.#streams.size >= limits.rpcStreams)
      return new QuarryError("Busy", "too many unanswered requests on this connection");
    if (served.method.rawField !== undefined && this.#server.leavingBytes > limits.inFlightBytes)
      return new QuarryError("Busy", "too many answers wait to be read");
    if (head.payloadBytes > limits.rpcInlineBytes) return undefined;
    if (!this.#server.inlineBudget.tryTake(head.payloadBytes))
      return new QuarryError("Busy", "this server holds as many requests as it may");
    return undefined;
  }

  /** Asks the budget for a large payload; once it is there, the client may send. */
  #makeRoom(stream: number, incoming: Incoming): void {
    const waiter = {
      bytes: incoming.payloadBytes,
      granted: () => {
        incoming.waiter = undefined;
        incoming.budget = this.#server.budget;
        incoming.payload = this.#server.pool.take(incoming.payloadBytes);
        this.#connection?.outbox.grant(stream, incoming.payloadBytes);
      },
    };
    incoming.waiter = waiter;
    this.#server.budget.take(waiter);
  }

  #beginPiece(head: Readonly<FrameHead>): Uint8Array | undefined {
    const incoming = this.#streams.get(head.stream);
    if (incoming === undefined) return undefined; // it was given up
    const at = incoming.receivedBytes;
    const next = at + head.lengthBytes;
    if (head.headerBytes > 0 || incoming.payload === undefined || next > incoming.payloadBytes)
      throw broken("a piece that was not asked for");
    this.#current = incoming;
    incoming.receivedBytes = next;
    return incoming.payload.subarray(at, next);
  }

  #handle(stream: number, incoming: Incoming): void {
    const { served, args, payload } = incoming;
    incoming.running = true;
    if (served.method.rawArgument) args.push(payload ?? none);
    const failed = (error: unknown) => {
      this.#reuse(incoming);
      const told = this.#note(error, served);
      if (this.#streams.get(stream) !== incoming) return; // no one waits for it any more
      this.#streams.delete(stream);
      this.#fail(stream, told);
    };
    try {
      served.invoke(args).then((answer) => {
        this.#reuse(incoming);
        this.#answer(stream, incoming, answer);
      }, failed);
    } catch (error) {
      failed(error);
    }
  }

  #answer(stream: number, incoming: Incoming, answer: unknown): void {
    if (this.#streams.get(stream) !== incoming) return; // no one waits for it any more
    const { rawField } = incoming.served.method;
    let payload: Uint8Array | undefined;
    let rest = answer;
    if (rawField !== undefined && typeof answer === "object" && answer !== null) {
      const { [rawField]: raw, ...others } = answer as Record<string, unknown>;
      if (raw instanceof Uint8Array) {
        payload = raw;
        rest = others;
      }
    }
    let header: Buffer;
    try {
      if (payload !== undefined && payload.length > limits.rpcPayloadBytes)
        throw new QuarryError("TooLarge", `${payload.length} bytes are too many for one message`);
      header = encodeHeader(rest);
    } catch (error) {
      this.#streams.delete(stream);
      this.#fail(stream, this.#note(error, incoming.served));
      return;
    }
    this.#send(stream, incoming, header, payload);
  }

  #send(stream: number, incoming: Incoming, header: Buffer, payload: Uint8Array | undefined) {
    const bytes = payload?.length ?? 0;
    this.#server.leavingBytes += bytes;
    this.#connection?.outbox.message(
      { kind: frameKinds.reply, stream, method: 0, deadlineMs: 0, creditBytes: 0 },
      header,
      payload,
      incoming.creditBytes,
      () => {
        this.#server.leavingBytes -= bytes;
        this.#streams.delete(stream);
      },
    );
    if (payload === undefined) this.#streams.delete(stream);
  }

  #fail(stream: number, error: QuarryError | undefined): void {
    const code = error?.code ?? "Unavailable";
    const message = (error?.message ?? "internal error").slice(0, FAILURE_CHARACTERS);
    this.#connection?.outbox.message(
      { kind: frameKinds.failure, stream, method: 0, deadlineMs: 0, creditBytes: 0 },
      encodeHeader([code, message]),
      undefined,
      0,
    );
  }

  /** What of an error the peer may know; the rest is reported here. */
  #note(error: unknown, served: ServedMethod): QuarryError {
    if (error instanceof QuarryError) return error;
    this.#server.report(error, served.name);
    return new QuarryError("Unavailable", `internal error in ${served.name}`);
  }

  /** Nobody waits for the answer any more. A handler that runs keeps its payload until it ends. */
  #forget(stream: number, incoming: Incoming): void {
    this.#streams.delete(stream);
    this.#connection?.outbox.drop(stream);
    if (incoming.waiter !== undefined) this.#server.budget.leave(incoming.waiter);
    incoming.waiter = undefined;
    if (!incoming.running) this.#release(incoming);
  }

  /** The handler has ended: its payload's memory serves the next one. */
  #reuse(incoming: Incoming): void {
    if (incoming.budget === this.#server.budget && incoming.payload !== undefined)
      this.#server.pool.give(incoming.payload);
    this.#release(incoming);
  }

  #release(incoming: Incoming): void {
    incoming.budget?.release(incoming.payloadBytes);
    incoming.budget = undefined;
    incoming.payload = undefined;
  }
}
