/**
 * Messages of Raft on the wire: a msgpack list of messages, each a map of its fields. Entries, of which
 * there are many, are lists: index, term, time, kind (its place in KINDS), session, sequence, data.
 */
import { QuarryError } from "../../base/errors.ts";
import type { Entry, EntryKind } from "../../raft/entry.ts";
import type { Message } from "../../raft/message.ts";
import { decodeHeader, encodeHeader } from "../../rpc/codec.ts";

const KINDS: readonly EntryKind[] = ["command", "configuration", "nothing"];

type PackedEntry = readonly [number, number, number, number, number, number, Uint8Array];

/** Places of the fields of {@link PackedEntry}. */
const ENTRY_FIELDS = 7;

export function encodeMessages(messages: readonly Message[]): Buffer {
  return encodeHeader(
    messages.map((message) =>
      message.type === "append" ? { ...message, entries: message.entries.map(packEntry) } : message,
    ),
  );
}

/** @throws QuarryError `Protocol` for what no member sends. */
export function decodeMessages(batch: Uint8Array): Message[] {
  const list = decodeHeader(Buffer.from(batch.buffer, batch.byteOffset, batch.length));
  if (!Array.isArray(list)) throw malformed();
  return list.map(decodeMessage);
}

function decodeMessage(value: unknown): Message {
  if (typeof value !== "object" || value === null) throw malformed();
  const message = value as Message;
  const { type, from, to, term } = message;
  if (typeof type !== "string" || ![from, to, term].every(Number.isSafeInteger)) throw malformed();
  if (type !== "append") return message;
  if (!Array.isArray(message.entries)) throw malformed();
  return { ...message, entries: message.entries.map(unpackEntry) };
}

function packEntry(entry: Entry): PackedEntry {
  const { index, term, timeMs, kind, session, sequence, data } = entry;
  return [index, term, timeMs, KINDS.indexOf(kind), session, sequence, data];
}

function unpackEntry(value: unknown): Entry {
  if (!Array.isArray(value) || value.length !== ENTRY_FIELDS) throw malformed();
  const [index, term, timeMs, kindAt, session, sequence, data] = value as unknown as PackedEntry;
  const kind = KINDS[kindAt];
  if (kind === undefined || !(data instanceof Uint8Array)) throw malformed();
  return { index, term, timeMs, kind, session, sequence, data } as Entry;
}

const malformed = () =>
  new QuarryError("Protocol", "a nameserver sent what is no message of its group");
