/**
 * Messages of Raft on the wire, little-endian:
 *
 *     0  u32 bytes of the list          4  the list in msgpack: each message a map of its fields
 *     behind it, in the order of the messages: what there is much of
 *
 *   of `append` the entries, whose place in the map the number of them takes
 *     0  u32 bytes of the data          4  u8 kind (its place in KINDS)      5  reserved, 0
 *     8  u32 sequence                  12  reserved, 0
 *    16  f64 index    24  f64 term     32  f64 time    40  f64 session      48  the data
 *   of `snapshotPiece` the bytes, whose place the number of them takes
 */
import { QuarryError } from "../../base/errors.ts";
import type { LogIndex, Term } from "../../base/ids.ts";
import type { Entry, EntryKind } from "../../raft/entry.ts";
import type { Message } from "../../raft/message.ts";
import { decodeHeader, encodeHeader } from "../../rpc/codec.ts";
import { isKnown, isWellFormed } from "./message-shape.ts";

const KINDS: readonly EntryKind[] = ["command", "configuration", "nothing"];
const ENTRY_HEAD_BYTES = 48;
const LENGTH_BYTES = 4;

export function encodeMessages(messages: readonly Message[]): Buffer {
  const list = encodeHeader(messages.map(withoutBulk));
  let lengthBytes = LENGTH_BYTES + list.length;
  for (const message of messages) lengthBytes += bulkBytes(message);
  const batch = Buffer.allocUnsafe(lengthBytes);
  batch.writeUInt32LE(list.length, 0);
  batch.set(list, LENGTH_BYTES);
  const view = new DataView(batch.buffer, batch.byteOffset, batch.length);
  let at = LENGTH_BYTES + list.length;
  for (const message of messages)
    if (message.type === "append")
      for (const entry of message.entries) at = putEntry(batch, view, at, entry);
    else if (message.type === "snapshotPiece") {
      batch.set(message.piece.bytes, at);
      at += message.piece.bytes.length;
    }
  return batch;
}

function withoutBulk(message: Message): unknown {
  if (message.type === "append") return { ...message, entries: message.entries.length };
  if (message.type !== "snapshotPiece") return message;
  return { ...message, piece: { ...message.piece, bytes: message.piece.bytes.length } };
}

function bulkBytes(message: Message): number {
  if (message.type === "snapshotPiece") return message.piece.bytes.length;
  if (message.type !== "append") return 0;
  let bytes = 0;
  for (const { data } of message.entries) bytes += ENTRY_HEAD_BYTES + data.length;
  return bytes;
}

function putEntry(batch: Buffer, view: DataView, at: number, entry: Entry): number {
  const { index, term, timeMs, kind, session, sequence, data } = entry;
  view.setUint32(at, data.length, true);
  view.setUint32(at + 4, KINDS.indexOf(kind), true);
  view.setUint32(at + 8, sequence, true);
  view.setUint32(at + 12, 0, true);
  view.setFloat64(at + 16, index, true);
  view.setFloat64(at + 24, term, true);
  view.setFloat64(at + 32, timeMs, true);
  view.setFloat64(at + 40, session, true);
  batch.set(data, at + ENTRY_HEAD_BYTES);
  return at + ENTRY_HEAD_BYTES + data.length;
}

/**
 * The messages share one copy of the bytes. Those of a type that only a newer version knows are as good
 * as lost.
 * @throws QuarryError `Protocol` for what no member sends.
 */
export function decodeMessages(batch: Uint8Array): Message[] {
  const bulk = new Bulk(batch);
  const list = bulk.list();
  if (!Array.isArray(list)) throw malformed();
  const messages = list.map((value) => decodeMessage(value, bulk));
  bulk.end();
  const known = messages.filter(({ type }) => isKnown(type));
  if (!known.every(isWellFormed)) throw malformed();
  return known;
}

function decodeMessage(value: unknown, bulk: Bulk): Message {
  if (typeof value !== "object" || value === null) throw malformed();
  const message = value as Message;
  const { type } = message;
  if (typeof type !== "string") throw malformed();
  if (type === "append") {
    const entries = Array.from({ length: bulk.count(message.entries) }, () => bulk.entry());
    return { ...message, entries };
  }
  if (type !== "snapshotPiece") return message;
  const { piece } = message;
  if (typeof piece !== "object" || piece === null) throw malformed();
  return { ...message, piece: { ...piece, bytes: bulk.take(bulk.count(piece.bytes)) } };
}

/** Reads a batch from its beginning to its end. */
class Bulk {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  #at = 0;

  constructor(batch: Uint8Array) {
    this.#bytes = Buffer.from(batch);
    const { buffer, byteOffset, length } = this.#bytes;
    this.#view = new DataView(buffer, byteOffset, length);
  }

  list(): unknown {
    const lengthBytes = this.#head(LENGTH_BYTES);
    return decodeHeader(this.take(this.#view.getUint32(lengthBytes, true)));
  }

  /** A number of things of which each has a byte at least. */
  count(value: unknown): number {
    const left = this.#bytes.length - this.#at;
    if (!(typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= left))
      throw malformed();
    return value;
  }

  take(lengthBytes: number): Buffer {
    const at = this.#head(lengthBytes);
    return this.#bytes.subarray(at, this.#at);
  }

  entry(): Entry {
    const view = this.#view;
    const at = this.#head(ENTRY_HEAD_BYTES);
    const kind = KINDS[view.getUint32(at + 4, true)];
    const index = view.getFloat64(at + 16, true) as LogIndex;
    const term = view.getFloat64(at + 24, true) as Term;
    const timeMs = view.getFloat64(at + 32, true);
    const session = view.getFloat64(at + 40, true);
    const areNumbers = Number.isSafeInteger(index) && Number.isSafeInteger(term);
    if (kind === undefined || !areNumbers || !Number.isSafeInteger(session)) throw malformed();
    if (!Number.isFinite(timeMs)) throw malformed();
    const sequence = view.getUint32(at + 8, true);
    const data = this.take(view.getUint32(at, true));
    return { index, term, timeMs, kind, session, sequence, data };
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw malformed();
  }

  /** Where so many bytes begin, which are taken. */
  #head(lengthBytes: number): number {
    const at = this.#at;
    if (at + lengthBytes > this.#bytes.length) throw malformed();
    this.#at = at + lengthBytes;
    return at;
  }
}

const malformed = () =>
  new QuarryError("Protocol", "a nameserver sent what is no message of its group");
