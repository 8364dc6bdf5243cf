/** A client's side of one connection: calls go out, answers find their calls. */
import { payloadPool } from "../base/buffer-pool.ts";
import type { Clock } from "../base/clock.ts";
import { isErrorCode, QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import { type Address, formatAddress } from "./address.ts";
import { Budget } from "./budget.ts";
import { type Call, InterruptedCall } from "./call.ts";
import { decodeHeader } from "./codec.ts";
import { compactedFrom } from "./compacted.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";
import { Deadlines } from "./deadlines.ts";
import { broken, type FrameHead, frameKinds, HAS_PAYLOAD } from "./frame.ts";
import { clientHandshake } from "./handshake.ts";
import { Heartbeat } from "./heartbeat.ts";
import { leaderFrom, NotLeader } from "./not-leader.ts";
import { connectSocket } from "./socket.ts";
import type { TlsIdentity } from "./tls.ts";

export interface ClientConnectionOptions {
  readonly address: Address;
  readonly secret: Uint8Array;
  readonly tls?: TlsIdentity;
  readonly clock: Clock;
  readonly random: Random;
  /** Wait this long before connecting. */
  readonly delayMs: number;
  /** See `RpcClientOptions`. */
  readonly pingMs?: number;
  readonly onReady: () => void;
  readonly onLost: () => void;
}

export class ClientConnection implements ConnectionOwner {
  readonly #options: ClientConnectionOptions;
  readonly #calls = new Map<number, Call>();
  readonly #deadlines: Deadlines<Call>;
  readonly #heartbeat: Heartbeat;
  readonly #budget = new Budget(limits.rpcConnectionBytes);
  #connection: Connection | undefined;
  #ready = false;
  #lost = false;
  #nextStream = 1;
  /** The call whose answer's piece is being received. */
  #current: Call | undefined;

  constructor(options: ClientConnectionOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock, this.#calls, (stream, call) =>
      this.#giveUp(stream, call, "Timeout", `no answer in ${call.deadlineMs} ms`),
    );
    const actions = {
      awaited: () => this.#calls.size > 0,
      ask: () => this.#connection?.outbox.ping(),
      giveUp: () => this.#end(new QuarryError("Unavailable", "the server gives no sign of life")),
    };
    this.#heartbeat = new Heartbeat(options.clock, actions, options.pingMs);
    if (options.delayMs > 0) options.clock.after(options.delayMs, () => this.#connect());
    else this.#connect();
  }

  get pendingCalls(): number {
    return this.#calls.size;
  }

  submit(call: Call): void {
    if (this.#calls.size >= limits.rpcStreams) {
      call.forget?.();
      call.reject(new InterruptedCall("Busy", "too many calls wait for answers", false));
      return;
    }
    while (this.#calls.has(this.#nextStream)) this.#advance();
    const stream = this.#nextStream;
    this.#advance();
    this.#calls.set(stream, call);
    this.#deadlines.watch(call.deadlineAtMs);
    if (!this.#ready) return;
    this.#heartbeat.watch();
    this.#send(stream, call);
  }

  /** Gives up a call whose signal was aborted. */
  abort(call: Call): void {
    for (const [stream, one] of this.#calls)
      if (one === call) this.#giveUp(stream, call, "Cancelled", "the call was cancelled");
  }

  close(): void {
    this.#end(new QuarryError("Closed", "this client is closed"));
  }

  ready(): void {
    this.#ready = true;
    this.#options.onReady();
    this.#heartbeat.watch();
    for (const [stream, call] of this.#calls) this.#send(stream, call);
  }

  lost(error: unknown): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#deadlines.stop();
    this.#heartbeat.stop();
    this.#options.onLost();
    const server = formatAddress(this.#options.address);
    const code = error instanceof QuarryError ? error.code : "Unavailable";
    const why = error instanceof Error ? error.message : String(error);
    for (const [stream, call] of this.#calls) {
      const executed = this.#mayHaveExecuted(stream, call);
      this.#finish(stream, call);
      call.reject(
        new InterruptedCall(code, `${call.method.name} at ${server}: ${why}`, executed, error),
      );
    }
  }

  begin(head: Readonly<FrameHead>, header: Buffer): Uint8Array | undefined {
    this.#current = undefined;
    switch (head.kind) {
      case frameKinds.reply:
      case frameKinds.failure:
        return this.#beginAnswer(head, header);
      case frameKinds.data:
        return this.#beginPiece(head);
      case frameKinds.credit:
        this.#connection?.outbox.allow(head.stream);
        return undefined;
      case frameKinds.pong:
        return undefined;
      default:
        throw broken("a request to a client");
    }
  }

  end(head: Readonly<FrameHead>): void {
    const call = this.#current;
    if (call === undefined || call.receivedBytes < (call.received?.length ?? 0)) return;
    // it may wait for room, or have been given up while the frame came in
    if (call.waiter !== undefined || this.#calls.get(head.stream) !== call) return;
    this.#finish(head.stream, call);
    const { rawField } = call.method;
    if (rawField !== undefined && call.received !== undefined)
      (call.answer as Record<string, unknown>)[rawField] = call.received;
    call.resolve(call.answer);
  }

  #connect(): void {
    if (this.#lost) return;
    const { address, secret, tls, random, clock, pingMs } = this.#options;
    const handshakeMs = pingMs === undefined ? limits.rpcHandshakeMs : pingMs * limits.rpcPings;
    const receive = (chunk: Buffer) => {
      this.#heartbeat.heard();
      connection.receive(chunk);
      return true; // a client always reads: what it waits for must get through
    };
    const socket = connectSocket(address, tls, receive, () => connection.start());
    const connection = new Connection(
      socket,
      this,
      clientHandshake(secret, random),
      clock,
      handshakeMs,
    );
    this.#connection = connection;
  }

  #send(stream: number, call: Call): void {
    const raw = call.method.rawField !== undefined;
    if (raw && this.#budget.tryTake(limits.rpcReplyBytes)) call.heldBytes = limits.rpcReplyBytes;
    call.sent = true;
    this.#connection?.outbox.message(
      {
        kind: frameKinds.request,
        stream,
        method: call.method.code,
        deadlineMs: call.deadlineMs,
        creditBytes: call.heldBytes,
      },
      call.header,
      call.payload,
      0,
    );
  }

  #beginAnswer(head: Readonly<FrameHead>, header: Buffer): Uint8Array | undefined {
    const call = this.#calls.get(head.stream);
    if (call === undefined) return undefined; // it was given up
    if (!call.sent || call.answer !== undefined) throw broken("a second answer");
    const answer = decodeHeader(header);
    if (head.kind === frameKinds.failure) {
      if (head.lengthBytes !== head.headerBytes) throw broken("a failure with a payload");
      const failure = asError(answer); // throws while the call still waits for the end of the connection
      this.#finish(head.stream, call);
      call.reject(failure);
      return undefined;
    }
    const pieceBytes = head.lengthBytes - head.headerBytes;
    if (pieceBytes !== 0 && pieceBytes !== head.payloadBytes) throw broken("half a payload");
    call.answer = answer;
    this.#current = call;
    if ((head.flags & HAS_PAYLOAD) === 0) return undefined;
    if (call.method.rawField === undefined || typeof answer !== "object" || answer === null)
      throw broken("a payload that no one expects");
    if (pieceBytes === head.payloadBytes) call.received = payloadPool.take(pieceBytes);
    else this.#expect(head.stream, call, head.payloadBytes);
    call.receivedBytes = pieceBytes;
    return call.received;
  }

  /** Makes room for a payload that comes in pieces. */
  #expect(stream: number, call: Call, payloadBytes: number): void {
    if (payloadBytes <= call.heldBytes) {
      call.received = payloadPool.take(payloadBytes);
      return;
    }
    this.#budget.release(call.heldBytes);
    call.heldBytes = 0;
    const waiter = {
      bytes: payloadBytes,
      granted: () => {
        call.waiter = undefined;
        call.heldBytes = payloadBytes;
        call.received = payloadPool.take(payloadBytes);
        this.#connection?.outbox.grant(stream, payloadBytes);
      },
    };
    call.waiter = waiter;
    this.#budget.take(waiter);
  }

  #beginPiece(head: Readonly<FrameHead>): Uint8Array | undefined {
    const call = this.#calls.get(head.stream);
    if (call === undefined) return undefined;
    const at = call.receivedBytes;
    const next = at + head.lengthBytes;
    if (head.headerBytes > 0 || call.received === undefined || next > call.received.length)
      throw broken("a piece that was not asked for");
    this.#current = call;
    call.receivedBytes = next;
    return call.received.subarray(at, next);
  }

  #mayHaveExecuted(stream: number, call: Call): boolean {
    return call.sent && this.#connection?.outbox.isSent(stream) === true;
  }

  #giveUp(stream: number, call: Call, code: "Timeout" | "Cancelled", why: string): void {
    const executed = this.#mayHaveExecuted(stream, call);
    this.#finish(stream, call);
    if (call.sent) this.#connection?.outbox.cancel(stream);
    const server = formatAddress(this.#options.address);
    call.reject(new InterruptedCall(code, `${call.method.name} at ${server}: ${why}`, executed));
  }

  /** The call is over: gives back what it holds. */
  #finish(stream: number, call: Call): void {
    this.#calls.delete(stream);
    if (call.payload !== undefined) this.#connection?.outbox.drop(stream);
    if (call.waiter !== undefined && this.#budget.leave(call.waiter)) call.waiter = undefined;
    if (call.heldBytes > 0) this.#budget.release(call.heldBytes);
    call.heldBytes = 0;
    call.forget?.();
  }

  #end(error: QuarryError): void {
    if (this.#connection === undefined) this.lost(error);
    else this.#connection.fail(error);
  }

  #advance(): void {
    this.#nextStream = this.#nextStream === 0xffff_ffff ? 1 : this.#nextStream + 1;
  }
}

/** Rebuilds a failure from its header. */
function asError(header: unknown): QuarryError {
  if (!Array.isArray(header)) throw broken("a failure without a reason");
  const [code, message, ...details] = header as unknown[];
  if (typeof code !== "string" || typeof message !== "string")
    throw broken("a failure without a reason");
  if (code === "NotLeader") return new NotLeader(message, leaderFrom(details));
  const compacted = code === "Compacted" ? compactedFrom(details) : undefined;
  if (compacted !== undefined) return compacted;
  return isErrorCode(code)
    ? new QuarryError(code, message)
    : new QuarryError("Unavailable", `${message} (${code})`);
}
