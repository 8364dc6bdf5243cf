/**
 * One connection between two peers: handshake first, frames after it. Whatever ends it, its owner
 * hears of it once.
 */
import type { Socket } from "node:net";
import type { Clock, Timer } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { FrameReader, type FrameSink } from "./frame-reader.ts";
import { HANDSHAKE_BYTES, type Handshake, HandshakeError } from "./handshake.ts";
import { Outbox } from "./outbox.ts";
import { checkNoTls, tlsFailure } from "./tls.ts";

export interface ConnectionOwner extends FrameSink {
  /** Each side has proved that it knows the secret. */
  ready(): void;
  /** The connection is gone. Anything but a QuarryError is a defect of this process. */
  lost(error: unknown): void;
}

const UNHEARD = " before the peer said anything: does it want certificates (TLS)?";

export class Connection {
  readonly outbox: Outbox;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #reader: FrameReader;
  readonly #message = Buffer.alloc(HANDSHAKE_BYTES);
  #messageBytes = 0;
  #isHeard = false;
  #handshake: Handshake | undefined;
  #timer: Timer;
  #lost = false;

  constructor(
    socket: Socket,
    owner: ConnectionOwner,
    handshake: Handshake,
    clock: Clock,
    handshakeMs: number = limits.rpcHandshakeMs,
  ) {
    this.#socket = socket;
    this.#owner = owner;
    this.#handshake = handshake;
    this.#reader = new FrameReader(owner);
    this.outbox = new Outbox(socket);
    this.#timer = clock.after(handshakeMs, () =>
      this.fail(new QuarryError("Unavailable", "the peer did not finish the handshake in time")),
    );
    socket.on("error", (error) => {
      const isOpening = this.#handshake !== undefined && "encrypted" in socket;
      const why = isOpening ? tlsFailure(error) : error.message;
      this.fail(new QuarryError("Unavailable", `connection failed: ${why}`));
    });
    socket.on("close", () => {
      const words = this.#handshake === undefined || this.#isHeard ? "" : UNHEARD;
      this.fail(new QuarryError("Unavailable", `connection closed${words}`));
    });
    socket.on("drain", () => socket.resume());
  }

  /** Begins the handshake; the socket is connected. */
  start(): void {
    this.#guard(() => this.#step(undefined));
  }

  /** Takes what the socket received; false while the peer leaves too much unread. */
  receive(chunk: Buffer): boolean {
    if (this.#handshake === undefined) this.#push(chunk);
    else this.#guard(() => this.#receiveHandshake(chunk));
    return this.outbox.queuedBytes < limits.rpcUnreadBytes;
  }

  /** Ends the connection for a reason that the owner is told. */
  fail(error: unknown): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#timer.cancel();
    const words = error instanceof HandshakeError ? error.lastWords : undefined;
    if (words === undefined) this.#socket.destroy();
    else {
      this.#socket.end(words);
      this.#socket.destroySoon();
    }
    this.#owner.lost(error);
    this.outbox.clear();
  }

  /** Ends the connection when what was sent so far is out. */
  finish(): void {
    this.outbox.flush();
    this.#socket.destroySoon();
  }

  #push(chunk: Buffer): void {
    if (this.#lost) return;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.fail(error);
    }
  }

  #guard(run: () => void): void {
    if (this.#lost) return;
    try {
      run();
    } catch (error) {
      this.fail(error);
    }
  }

  #receiveHandshake(chunk: Buffer): void {
    let at = 0;
    if (!this.#isHeard) checkNoTls(chunk);
    this.#isHeard = true;
    while (this.#handshake !== undefined && at < chunk.length) {
      const copied = chunk.copy(this.#message, this.#messageBytes, at);
      at += copied;
      this.#messageBytes += copied;
      if (this.#messageBytes < HANDSHAKE_BYTES) return;
      this.#messageBytes = 0;
      this.#step(Buffer.from(this.#message));
    }
    if (at < chunk.length) this.#reader.push(chunk.subarray(at));
  }

  #step(message: Buffer | undefined): void {
    const handshake = this.#handshake;
    if (handshake === undefined) return;
    const step = message === undefined ? handshake.next() : handshake.next(message);
    if (step.value !== undefined) this.#socket.write(step.value);
    if (step.done !== true) return;
    this.#handshake = undefined;
    this.#timer.cancel();
    this.#owner.ready();
  }
}
