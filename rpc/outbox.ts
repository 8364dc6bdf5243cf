/**
 * What leaves on one connection. Small frames of one turn of the event loop are gathered in a slab and
 * leave with one write, whoever they are from; large payloads leave in pieces, in turns, behind the small
 * frames, and only while little waits in the socket: so they neither block small calls nor pile up.
 */
import type { Socket } from "node:net";
import { limits } from "../base/limits.ts";
import {
  emptyHead,
  FRAME_BYTES,
  type FrameKind,
  frameKinds,
  HAS_PAYLOAD,
  writeHead,
} from "./frame.ts";

const SLAB_BYTES = 64 * 1024;
/** Slabs that a connection keeps for its next flushes: those of 64 calls with 4 KiB. */
const SPARE_SLABS = 4;
/** Up to here copying into the slab is cheaper than one more part to write. */
const COPY_BYTES = 8 * 1024;

/** Told once when a payload has left for the system whole, or (false) when it was given up. */
export type Sent = (whole: boolean) => void;

/** A payload under way. */
interface Transfer {
  readonly stream: number;
  readonly payload: Uint8Array;
  readonly sent: Sent | undefined;
  sentBytes: number;
  allowed: boolean;
}

/** What a message says in its fixed header, besides lengths. */
export interface Envelope {
  readonly kind: typeof frameKinds.request | typeof frameKinds.reply | typeof frameKinds.failure;
  readonly stream: number;
  readonly method: number;
  readonly deadlineMs: number;
  readonly creditBytes: number;
}

export class Outbox {
  readonly #socket: Socket;
  readonly #head = emptyHead();
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #view = new DataView(this.#slab.buffer);
  /** Filled since the last flush, and free ones. */
  #full: Buffer<ArrayBuffer>[] = [];
  readonly #spare: Buffer<ArrayBuffer>[] = [];
  /** The slab's bytes from here to #endBytes are not among #parts yet. */
  #startBytes = 0;
  #endBytes = 0;
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  /** Of payloads whose last bytes wait in #parts. */
  #sent: Sent[] = [];
  #scheduled = false;
  readonly #transfers = new Map<number, Transfer>();
  readonly #ready: Transfer[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Bytes that wait to be taken by the system. */
  get queuedBytes(): number {
    return this.#socket.writableLength + this.#partBytes + this.#endBytes - this.#startBytes;
  }

  /**
   * Sends a message. `unaskedBytes`: up to here the payload needs no credit. The payload is not
   * copied unless small; `sent` is called, in a later tick, once it is out or given up.
   */
  message(
    envelope: Envelope,
    header: Uint8Array,
    payload: Uint8Array | undefined,
    unaskedBytes: number,
    sent?: Sent,
  ): void {
    const payloadBytes = payload?.length ?? 0;
    const inline = payloadBytes <= limits.rpcInlineBytes;
    const head = this.#head;
    head.kind = envelope.kind;
    head.stream = envelope.stream;
    head.method = envelope.method;
    head.deadlineMs = envelope.deadlineMs;
    head.creditBytes = envelope.creditBytes;
    head.flags = payload === undefined ? 0 : HAS_PAYLOAD;
    head.headerBytes = header.length;
    head.payloadBytes = payloadBytes;
    head.lengthBytes = header.length + (inline ? payloadBytes : 0);
    this.#putHead();
    this.#put(header);
    if (payload === undefined) return;
    if (inline) {
      this.#put(payload);
      if (sent !== undefined) this.#sent.push(sent);
      return;
    }
    const allowed = payloadBytes <= unaskedBytes;
    const transfer = { stream: envelope.stream, payload, sent, sentBytes: 0, allowed };
    this.#transfers.set(envelope.stream, transfer);
    if (allowed) this.#ready.push(transfer);
  }

  /** Tells the peer that it may send the payload of a stream. */
  grant(stream: number, bytes: number): void {
    this.#control(frameKinds.credit, stream, bytes);
  }

  cancel(stream: number): void {
    this.#control(frameKinds.cancel, stream, 0);
  }

  ping(): void {
    this.#control(frameKinds.ping, 0, 0);
  }

  pong(): void {
    this.#control(frameKinds.pong, 0, 0);
  }

  /** The peer takes the payload of a stream. */
  allow(stream: number): void {
    const transfer = this.#transfers.get(stream);
    if (transfer === undefined || transfer.allowed) return;
    transfer.allowed = true;
    this.#ready.push(transfer);
    this.#schedule();
  }

  /** Sends no more of a stream's payload. */
  drop(stream: number): void {
    const transfer = this.#transfers.get(stream);
    if (transfer === undefined) return;
    this.#transfers.delete(stream);
    const turn = this.#ready.indexOf(transfer);
    if (turn >= 0) this.#ready.splice(turn, 1);
    transfer.sent?.(false);
  }

  /** The connection is gone: lets go of all payloads. */
  clear(): void {
    for (const stream of [...this.#transfers.keys()]) this.drop(stream);
    this.#parts = [];
    this.#partBytes = 0;
    for (const sent of this.#sent.splice(0)) sent(false);
  }

  /** Whether all of a stream's payload was handed to the socket. */
  isSent(stream: number): boolean {
    return !this.#transfers.has(stream);
  }

  #control(kind: FrameKind, stream: number, n: number) {
    const head = this.#head;
    head.kind = kind;
    head.stream = stream;
    head.creditBytes = n;
    head.method = head.deadlineMs = head.flags = 0;
    head.headerBytes = head.payloadBytes = head.lengthBytes = 0;
    this.#putHead();
  }

  #putHead(): void {
    if (this.#endBytes + FRAME_BYTES > SLAB_BYTES) this.#newSlab();
    writeHead(this.#view, this.#endBytes, this.#head);
    this.#endBytes += FRAME_BYTES;
    this.#schedule();
  }

  #put(bytes: Uint8Array): void {
    if (bytes.length > COPY_BYTES) {
      this.#cut();
      this.#parts.push(bytes);
      this.#partBytes += bytes.length;
      return;
    }
    if (this.#endBytes + bytes.length > SLAB_BYTES) this.#newSlab();
    this.#slab.set(bytes, this.#endBytes);
    this.#endBytes += bytes.length;
  }

  #cut(): void {
    if (this.#endBytes === this.#startBytes) return;
    this.#parts.push(this.#slab.subarray(this.#startBytes, this.#endBytes));
    this.#partBytes += this.#endBytes - this.#startBytes;
    this.#startBytes = this.#endBytes;
  }

  #newSlab(): void {
    this.#cut();
    this.#full.push(this.#slab);
    this.#slab = this.#spare.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES);
    this.#view = new DataView(this.#slab.buffer);
    this.#startBytes = this.#endBytes = 0;
  }

  /**
   * Frames leave when all that came in has been looked at, together: a gateway's calls come from as many
   * sockets as it has clients, and after each of them a system call for one frame would be most of its cost.
   */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.flush);
  }

  /** Hands what is gathered to the socket. */
  readonly flush = (): void => {
    this.#scheduled = false;
    const socket = this.#socket;
    if (socket.destroyed) return;
    this.#putPieces();
    this.#cut();
    const parts = this.#parts;
    const last = parts.length - 1;
    if (last < 0) return;
    this.#parts = [];
    this.#partBytes = 0;
    const written = this.#whenWritten();
    if (last > 0) socket.cork();
    parts.forEach((part, i) => {
      if (i < last) socket.write(part);
      else socket.write(part, written);
    });
    if (last > 0) socket.uncork();
    const full = this.#full;
    if (full.length > 0) this.#full = [];
    if (socket.writableLength > 0) return;
    // All was taken by the system at once, as is usual: the slabs are free again.
    this.#startBytes = this.#endBytes = 0;
    for (const slab of full) if (this.#spare.length < SPARE_SLABS) this.#spare.push(slab);
  };

  #whenWritten(): (error?: Error | null) => void {
    if (this.#sent.length === 0) return this.#written;
    const callbacks = this.#sent;
    this.#sent = [];
    return (error) => {
      for (const sent of callbacks) sent(error === undefined || error === null);
      this.#written();
    };
  }

  readonly #written = (): void => {
    if (this.#ready.length > 0) this.#schedule();
  };

  #putPieces(): void {
    while (this.queuedBytes < limits.rpcQueuedBytes) {
      const transfer = this.#ready.shift();
      if (transfer === undefined) return;
      const { payload, sentBytes, stream } = transfer;
      const end = Math.min(sentBytes + limits.rpcPieceBytes, payload.length);
      const head = this.#head;
      head.kind = frameKinds.data;
      head.stream = stream;
      head.method = head.deadlineMs = head.flags = head.headerBytes = head.creditBytes = 0;
      head.payloadBytes = 0;
      head.lengthBytes = end - sentBytes;
      this.#putHead();
      this.#put(payload.subarray(sentBytes, end));
      transfer.sentBytes = end;
      if (end < payload.length) this.#ready.push(transfer);
      else {
        this.#transfers.delete(stream);
        if (transfer.sent !== undefined) this.#sent.push(transfer.sent);
      }
    }
  }
}
