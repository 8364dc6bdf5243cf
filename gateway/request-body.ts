/**
 * The bytes of a request, straight from its data events: paused while too many wait, given up when
 * none come for too long, ended with an error when the client vanishes.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock, Timer } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { S3Error } from "./s3/errors.ts";

/** Smaller ones go with the young generation, soon enough. */
const GIVEN_BACK_BYTES = 16 * 1024;

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** What waits of all bodies that share it. */
export class WaitingBytes {
  readonly #most: number;
  #bytes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  get isMuch(): boolean {
    return this.#bytes >= this.#most;
  }
}

const allBodies = new WaitingBytes(limits.bodyQueuesBytes);

export class RequestBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  readonly #all: WaitingBytes;
  #state: "unread" | "reading" | "discarding" | "ended" = "unread";
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  /** Content-Length; infinite for a chunked transfer, 0 when there is no body. */
  readonly lengthBytes: number;
  #continued = false;
  #discardedBytes = 0;
  /** Bytes of the body taken off the wire so far. */
  receivedBytes = 0;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    clock: Clock,
    all: WaitingBytes = allBodies,
  ) {
    this.#all = all;
    this.#request = request;
    this.#response = response;
    this.#clock = clock;
    const { "content-length": length, "transfer-encoding": transfer } = request.headers;
    this.lengthBytes = transfer === undefined ? Number(length ?? 0) : Number.POSITIVE_INFINITY;
  }

  /** Whether bytes of the body may still be on their way. */
  get pending(): boolean {
    return this.receivedBytes < this.lengthBytes && !this.#request.complete;
  }

  /** Whether the client holds its body back until it is told to go on. */
  get awaitsContinue(): boolean {
    return !this.#continued && this.#request.headers.expect !== undefined;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#state === "unread") this.#start();
    while (this.#queue.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#state === "ended") return END;
      await this.#arrival(limits.bodyIdleMs, () => {
        this.#failure ??= new S3Error("RequestTimeout");
      });
    }
    const value = this.#queue.shift() ?? new Uint8Array(0);
    this.#count(-value.length);
    const mayGrow = this.#queuedBytes === 0 || !this.#all.isMuch;
    if (mayGrow && this.#queuedBytes < limits.bodyQueueBytes / 2 && this.#request.isPaused())
      this.#request.resume();
    return { done: false, value };
  }

  #count(bytes: number): void {
    this.#queuedBytes += bytes;
    this.#all.add(bytes);
  }

  #dropQueue(): void {
    this.#queue.length = 0;
    this.#count(-this.#queuedBytes);
  }

  /** All of it, of a told length: one wait instead of a turn for each piece and one for the end. */
  whole(): Uint8Array | Promise<Uint8Array> {
    return this.#takeAtHand() ?? this.#awaitWhole();
  }

  async #awaitWhole(): Promise<Uint8Array> {
    if (this.#state === "unread") this.#start();
    while (this.receivedBytes < this.lengthBytes && this.#state !== "ended") {
      if (this.#failure !== undefined) {
        this.#dropQueue();
        throw this.#failure;
      }
      await this.#arrival(limits.bodyIdleMs, () => {
        this.#failure ??= new S3Error("RequestTimeout");
      });
    }
    const [only] = this.#queue;
    const bytes = this.#queue.length === 1 && only ? only : Buffer.concat(this.#queue);
    this.#dropQueue();
    return bytes;
  }

  #readOne(): Buffer | null {
    return this.receivedBytes < this.lengthBytes ? this.#request.read() : null;
  }

  /** What came with the head needs nobody who listens for it, and no timer. */
  #takeAtHand(): Uint8Array | undefined {
    const { readableLength } = this.#request;
    if (this.#state !== "unread" || this.awaitsContinue) return undefined;
    if (readableLength === 0 || readableLength < this.lengthBytes) return undefined;
    const pieces: Buffer[] = [];
    // Each call may give one of the pieces in which it came.
    for (let piece = this.#readOne(); piece !== null; piece = this.#readOne()) {
      pieces.push(piece);
      this.receivedBytes += piece.length;
    }
    this.#state = "ended";
    const [only] = pieces;
    return pieces.length === 1 && only ? only : Buffer.concat(pieces);
  }

  /**
   * Takes back bytes that nobody reads any more. They live outside of the heap, and by their mass alone
   * would call the garbage collector to mark all of it, once for every 64 MiB of bodies.
   */
  giveBack({ buffer, byteLength }: Uint8Array): void {
    const isOwn = byteLength === buffer.byteLength && byteLength >= GIVEN_BACK_BYTES;
    if (isOwn && buffer instanceof ArrayBuffer) buffer.transfer(0);
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    if (this.#state === "reading") this.#request.pause();
    this.#dropQueue();
    return Promise.resolve(END);
  }

  /** The request is answered: what came of its body and nobody read, or comes yet, waits for nobody. */
  close(): void {
    if (this.#state === "reading") {
      this.#state = "discarding";
      // Nobody may take what came before for all of it.
      this.#failure ??= new QuarryError("Cancelled", "the request is answered");
    }
    this.#dropQueue();
    this.#arrived();
  }

  /** Reads on and throws away, until the end, `maxBytes`, `limits.lingerMs`, or the client is gone. */
  async discard(maxBytes: number): Promise<void> {
    if (this.#state === "unread") this.#listen();
    if (this.#state === "ended" || this.#failure !== undefined) return;
    this.#state = "discarding";
    this.#dropQueue();
    this.#request.resume();
    const untilMs = this.#clock.monotonicMs() + limits.lingerMs;
    while (this.#state === "discarding" && this.#failure === undefined) {
      const leftMs = untilMs - this.#clock.monotonicMs();
      if (this.#discardedBytes >= maxBytes || leftMs <= 0) return;
      await this.#arrival(leftMs, () => undefined);
    }
  }

  #start(): void {
    if (this.awaitsContinue) {
      this.#continued = true;
      this.#response.writeContinue();
    }
    this.#listen();
  }

  #listen(): void {
    this.#state = "reading";
    const request = this.#request;
    request.on("data", (data: Buffer) => this.#take(data));
    request.on("end", () => {
      this.#state = "ended";
      this.#arrived();
    });
    request.on("error", (error) => this.#fail(error));
    request.on("close", () => {
      if (this.#state !== "ended") this.#fail();
    });
    if (request.destroyed) this.#fail();
  }

  #take(data: Buffer): void {
    this.receivedBytes += data.length;
    if (this.#state === "discarding") this.#discardedBytes += data.length;
    else {
      this.#queue.push(data);
      this.#count(data.length);
      // `whole` asks for no more than fits.
      const isMuch = this.#all.isMuch && this.lengthBytes > limits.smallBodyBytes;
      if (isMuch || this.#queuedBytes >= limits.bodyQueueBytes) this.#request.pause();
    }
    this.#arrived();
  }

  #fail(cause?: Error): void {
    this.#failure ??= new QuarryError("Cancelled", "the client went away while sending", { cause });
    this.#arrived();
  }

  #arrived(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #arrival(withinMs: number, late: () => void): Promise<void> {
    return new Promise((resolve) => {
      const timer: Timer = this.#clock.after(withinMs, () => {
        late();
        this.#arrived();
      });
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
