/**
 * The frame: what peers exchange once they have proved the secret. Little-endian.
 *
 * ```
 *  0 u32 lengthBytes    what follows these 32 bytes: the header, then a piece of the payload
 *  4 u8  kind           see `frameKinds`
 *  5 u8  flags          bit 0: the message has a payload (which may be empty)
 *  6 u16 method         request: service << 8 | method
 *  8 u32 stream         chosen by the client, unique among its unanswered requests
 * 12 u32 headerBytes    length of the msgpack header
 * 16 u32 payloadBytes   length of the message's whole payload
 * 20 u32 deadlineMs     request: how long the client will wait
 * 24 u32 creditBytes    request: a reply's payload of at most this may come unasked;
 *                       credit: the payload of this length may come
 * 28 u32 reserved       0
 * ```
 *
 * A payload of at most `limits.rpcInlineBytes` (or, in a reply, of the request's credit) needs no
 * permission; a larger one waits for a credit frame. What fits travels in the message's own frame,
 * the rest in `data` frames of at most `limits.rpcPieceBytes`.
 */
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";

export const FRAME_BYTES = 32;

export const frameKinds = {
  request: 1,
  reply: 2,
  /** A reply whose header is [code, message]. */
  failure: 3,
  data: 4,
  credit: 5,
  /** The client lost interest in a stream. */
  cancel: 6,
  /** Asks for a pong, to know that the peer is there. */
  ping: 7,
  pong: 8,
} as const;

export type FrameKind = (typeof frameKinds)[keyof typeof frameKinds];

export const HAS_PAYLOAD = 1;

/** The fixed part of a frame. Readers reuse one object for all frames. */
export interface FrameHead {
  lengthBytes: number;
  kind: FrameKind;
  flags: number;
  method: number;
  stream: number;
  headerBytes: number;
  payloadBytes: number;
  deadlineMs: number;
  creditBytes: number;
}

export function emptyHead(): FrameHead {
  return {
    lengthBytes: 0,
    kind: frameKinds.request,
    flags: 0,
    method: 0,
    stream: 0,
    headerBytes: 0,
    payloadBytes: 0,
    deadlineMs: 0,
    creditBytes: 0,
  };
}

/** Writes `head` to 32 bytes of `target` from `at` on. */
export function writeHead(target: DataView, at: number, head: Readonly<FrameHead>): void {
  target.setUint32(at, head.lengthBytes, true);
  target.setUint8(at + 4, head.kind);
  target.setUint8(at + 5, head.flags);
  target.setUint16(at + 6, head.method, true);
  target.setUint32(at + 8, head.stream, true);
  target.setUint32(at + 12, head.headerBytes, true);
  target.setUint32(at + 16, head.payloadBytes, true);
  target.setUint32(at + 20, head.deadlineMs, true);
  target.setUint32(at + 24, head.creditBytes, true);
  target.setUint32(at + 28, 0, true);
}

/** Fills `head` from 32 bytes of `source`; throws `Protocol` when they are no head of a frame. */
export function readHead(source: Buffer, at: number, head: FrameHead): void {
  const kind = source.readUInt8(at + 4);
  head.lengthBytes = source.readUInt32LE(at);
  head.flags = source.readUInt8(at + 5);
  head.method = source.readUInt16LE(at + 6);
  head.stream = source.readUInt32LE(at + 8);
  head.headerBytes = source.readUInt32LE(at + 12);
  head.payloadBytes = source.readUInt32LE(at + 16);
  head.deadlineMs = source.readUInt32LE(at + 20);
  head.creditBytes = source.readUInt32LE(at + 24);
  if (!isFrameKind(kind)) throw broken("unknown kind of frame");
  head.kind = kind;
  const pieceBytes = head.lengthBytes - head.headerBytes;
  if (head.headerBytes > limits.rpcHeaderBytes) throw broken("header too long");
  if (head.payloadBytes > limits.rpcPayloadBytes) throw broken("payload too long");
  if (pieceBytes < 0 || pieceBytes > limits.rpcPieceBytes) throw broken("piece too long");
  if (head.flags > HAS_PAYLOAD || source.readUInt32LE(at + 28) !== 0)
    throw broken("flags that this version does not know");
}

/** A peer broke the protocol: the connection ends. */
export function broken(what: string): QuarryError {
  return new QuarryError("Protocol", `the peer sent what is no valid frame (${what})`);
}

function isFrameKind(kind: number): kind is FrameKind {
  return kind >= frameKinds.request && kind <= frameKinds.pong;
}
