/**
 * Cuts a stream of bytes into frames. Keeps nothing but one unfinished head and header: the payload
 * goes from the socket's buffer straight to where the sink wants it.
 */
import { emptyHead, FRAME_BYTES, type FrameHead, readHead } from "./frame.ts";

export interface FrameSink {
  /**
   * A frame begins. `header` is a view that is valid during this call only. Returns where the
   * frame's piece of the payload goes (exactly as long as the piece), or undefined to drop it.
   */
  begin(head: Readonly<FrameHead>, header: Buffer): Uint8Array | undefined;
  /** The piece of the frame is in its place. */
  end(head: Readonly<FrameHead>): void;
}

const none = Buffer.alloc(0);

export class FrameReader {
  readonly #sink: FrameSink;
  readonly #head = emptyHead();
  readonly #scratch = Buffer.alloc(FRAME_BYTES);
  #stage: "head" | "header" | "piece" = "head";
  /** Bytes of the head or header that came so far, when they came in parts. */
  #filledBytes = 0;
  #header: Buffer = none;
  #target: Uint8Array | undefined;
  #leftBytes = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Takes the next bytes of the stream; they may be reused afterwards. Throws `Protocol`. */
  push(chunk: Buffer): void {
    let at = 0;
    for (;;) {
      if (this.#stage === "head") {
        at = this.#takeHead(chunk, at);
        if (at < 0) return;
      }
      if (this.#stage === "header") {
        at = this.#takeHeader(chunk, at);
        if (at < 0) return;
      }
      if (this.#leftBytes > 0) {
        at = this.#takePiece(chunk, at);
        if (this.#leftBytes > 0) return;
      }
      this.#stage = "head";
      this.#target = undefined;
      this.#sink.end(this.#head);
    }
  }

  /** Position behind the head, or -1 when it is not whole yet. */
  #takeHead(chunk: Buffer, at: number): number {
    let next = at;
    if (this.#filledBytes === 0 && chunk.length - at >= FRAME_BYTES) {
      readHead(chunk, at, this.#head);
      next = at + FRAME_BYTES;
    } else {
      const copied = chunk.copy(this.#scratch, this.#filledBytes, at);
      this.#filledBytes += copied;
      next = at + copied;
      if (this.#filledBytes < FRAME_BYTES) return -1;
      this.#filledBytes = 0;
      readHead(this.#scratch, 0, this.#head);
    }
    this.#stage = "header";
    return next;
  }

  #takeHeader(chunk: Buffer, at: number): number {
    const wanted = this.#head.headerBytes;
    let next = at + wanted;
    if (this.#filledBytes === 0 && chunk.length >= next) {
      this.#begin(wanted === 0 ? none : chunk.subarray(at, next));
      return next;
    }
    if (this.#filledBytes === 0) this.#header = Buffer.allocUnsafeSlow(wanted);
    const copied = chunk.copy(this.#header, this.#filledBytes, at);
    this.#filledBytes += copied;
    next = at + copied;
    if (this.#filledBytes < wanted) return -1;
    this.#filledBytes = 0;
    const header = this.#header;
    this.#header = none;
    this.#begin(header);
    return next;
  }

  #begin(header: Buffer): void {
    this.#stage = "piece";
    this.#leftBytes = this.#head.lengthBytes - this.#head.headerBytes;
    this.#target = this.#sink.begin(this.#head, header);
  }

  #takePiece(chunk: Buffer, at: number): number {
    const taken = Math.min(this.#leftBytes, chunk.length - at);
    if (this.#target !== undefined)
      chunk.copy(this.#target, this.#target.length - this.#leftBytes, at, at + taken);
    this.#leftBytes -= taken;
    return at + taken;
  }
}
