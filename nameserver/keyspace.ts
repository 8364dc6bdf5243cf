/**
 * Keys of the metadata: bytes whose order is the order that queries need.
 *
 *   key       tag u8, components …
 *   number    big-endian, 4 (u32) or 7 bytes (u56)
 *   string    UTF-8 with 00 written as 00 FF, ended by 00 01 (also in the last place)
 *
 * JavaScript's string order is not UTF-8 order, so keys are held as latin1 strings, one character a
 * byte: those compare as bytes do, and can be keys of a Map. A key carries the type of its row.
 */
import type {
  BlobId,
  BlockId,
  DeviceId,
  LogIndex,
  NodeId,
  ServerId,
  SessionId,
  VersionSequence,
} from "../base/ids.ts";
import type { Place } from "../rpc/cluster-map.ts";
import { type CopyKind, kinds as copyKinds } from "./copies/copy-blobs.ts";
import type * as rows from "./rows.ts";

declare const rowType: unique symbol;
/** Bytes of a key, one character each. */
export type Key = string;
/** A key together with the type of what stands under it. */
export type RowKey<Row> = Key & { readonly [rowType]: Row };

/** The first byte of a key says what kind of row it is. Never reuse one. */
export const tags = {
  meta: "\x01",
  settings: "\x02",
  map: "\x03",
  pool: "\x04",
  blockRange: "\x05",
  storageClass: "\x06",
  place: "\x07",
  healing: "\x08",
  level: "\x09",
  bucket: "\x10",
  owned: "\x11",
  owner: "\x12",
  user: "\x13",
  accessKey: "\x14",
  email: "\x15",
  current: "\x20",
  version: "\x21",
  nullVersion: "\x22",
  trash: "\x23",
  stream: "\x24",
  upload: "\x30",
  part: "\x31",
  blob: "\x40",
  page: "\x41",
  content: "\x42",
  contentPage: "\x43",
  block: "\x50",
  blockUse: "\x51",
  removedBlock: "\x52",
  blobLease: "\x60",
  member: "\x61",
  dataserver: "\x62",
  device: "\x63",
  metadataCopy: "\x64",
  pendingQueue: "\x70",
  dueQueue: "\x71",
  collectQueue: "\x72",
  dropQueue: "\x73",
  session: "\x80",
  sessionResults: "\x81",
  sessionCount: "\x82",
} as const;
export type Tag = keyof typeof tags;

export const U56_MAX = 2 ** 53 - 1;

export function u32(value: number): string {
  return String.fromCharCode(
    value >>> 24,
    (value >>> 16) & 0xff,
    (value >>> 8) & 0xff,
    value & 0xff,
  );
}

export function u56(value: number): string {
  const high = Math.floor(value / 2 ** 32);
  return (
    String.fromCharCode((high >>> 16) & 0xff, (high >>> 8) & 0xff, high & 0xff) + u32(value >>> 0)
  );
}

/** Newest first. */
const newestFirst = (value: number) => u56(U56_MAX - value);

/** UTF-8 bytes of a string with 00 escaped, without an end: what all keys that begin so share. */
export function textPrefix(text: string): string {
  if (isPlain(text)) return text;
  const bytes = Buffer.from(text, "utf8").toString("latin1");
  return bytes.includes("\0") ? bytes.replaceAll("\0", "\0\xff") : bytes;
}

/** ASCII without 00, as most names are: its own UTF-8. */
function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0 || code > 0x7f) return false;
  }
  return true;
}

const text = (value: string) => `${textPrefix(value)}\0\x01`;

/** The later of two keys. */
export function laterKey(a: Key, b: Key): Key {
  if (a < b) return b;
  return a;
}

/** The first key behind all keys that begin with `prefix`. */
export function prefixEnd(prefix: Key): Key {
  let length = prefix.length;
  while (length > 0 && prefix.charCodeAt(length - 1) === 0xff) length--;
  if (length === 0) return "\xff".repeat(64);
  const last = prefix.charCodeAt(length - 1);
  return prefix.slice(0, length - 1) + String.fromCharCode(last + 1);
}

const key = <Row>(tag: Tag, rest: string) => (tags[tag] + rest) as RowKey<Row>;

export const keys = {
  settings: () => key<rows.SettingsRow>("settings", ""),
  map: () => key<rows.MapRow>("map", ""),
  pool: (pool: number) => key<rows.PoolRow>("pool", u32(pool)),
  blockRange: (range: number) => key<rows.BlockRangeRow>("blockRange", u32(range)),
  storageClass: (name: string) => key<rows.StorageClassRow>("storageClass", text(name)),
  /** By the place that it lies in (0: none), its type and its name. */
  place: (parent: number, type: Place["type"], name: string) =>
    key<rows.PlaceRow>("place", u32(-parent) + text(type) + text(name)),
  healing: () => key<rows.HealingRow>("healing", ""),
  level: () => key<rows.LevelRow>("level", ""),
  bucket: (name: string) => key<rows.BucketRow>("bucket", text(name)),
  owned: (owner: string, name: string) => key<rows.OwnedRow>("owned", text(owner) + text(name)),
  owner: (owner: string) => key<rows.OwnerRow>("owner", text(owner)),
  user: (user: string) => key<rows.UserRow>("user", text(user)),
  accessKey: (accessKey: string) => key<rows.AccessKeyRow>("accessKey", text(accessKey)),
  email: (email: string) => key<rows.EmailRow>("email", text(email)),
  current: (bucket: number, name: string) => key<rows.NameRow>("current", u56(bucket) + text(name)),
  version: (bucket: number, name: string, sequence: VersionSequence) =>
    key<rows.NameRow>("version", u56(bucket) + text(name) + newestFirst(sequence)),
  nullVersion: (bucket: number, name: string) =>
    key<rows.NullVersionRow>("nullVersion", u56(bucket) + text(name)),
  trash: (bucket: number, name: string, sequence: number) =>
    key<rows.TrashRow>("trash", u56(bucket) + text(name) + newestFirst(sequence)),
  /** Of a filename the newest upload first. */
  stream: (bucket: number, filename: string, uploadedMs: number, sequence: VersionSequence) =>
    key<rows.StreamRow>(
      "stream",
      u56(bucket) + text(filename) + newestFirst(uploadedMs) + newestFirst(sequence),
    ),
  upload: (bucket: number, name: string, upload: number) =>
    key<rows.UploadRow>("upload", u56(bucket) + text(name) + u56(upload)),
  part: (upload: number, part: number) => key<rows.PartRow>("part", u56(upload) + u32(part)),
  blob: (blob: BlobId) => key<rows.BlobRow>("blob", u56(blob)),
  page: (blob: BlobId, page: number) => key<rows.PageRow>("page", u56(blob) + u32(page)),
  content: (content: number) => key<rows.ContentRow>("content", u56(content)),
  contentPage: (content: number, page: number) =>
    key<rows.ContentPageRow>("contentPage", u56(content) + u32(page)),
  block: (block: BlockId) => key<rows.BlockRow>("block", u32(block)),
  blockUse: (block: BlockId) => key<rows.BlockUseRow>("blockUse", u32(block)),
  removedBlock: (block: BlockId) => key<rows.RemovedBlockRow>("removedBlock", u32(block)),
  blobLease: () => key<rows.BlobLeaseRow>("blobLease", ""),
  metadataCopy: (kind: CopyKind, index: LogIndex) =>
    key<rows.MetadataCopyRow>("metadataCopy", u32(copyKinds[kind]) + u56(index)),
  recovered: () => key<rows.RecoveredRow>("metadataCopy", u32(0)),
  dataserver: (server: ServerId) => key<rows.DataserverRow>("dataserver", text(server)),
  device: (device: DeviceId) => key<rows.DeviceRow>("device", text(device)),
  /** Stands at number 0, which is no member's. */
  roll: () => key<rows.RollRow>("member", u32(0)),
  member: (node: NodeId) => key<rows.MemberRow>("member", u32(node)),
  pendingQueue: (untilMs: number, blob: BlobId) =>
    key<rows.QueueRow>("pendingQueue", u56(untilMs) + u56(blob)),
  dueQueue: (dueMs: number, sequence: number) =>
    key<rows.DueRow>("dueQueue", u56(dueMs) + u56(sequence)),
  collectQueue: (index: number, blob: BlobId) =>
    key<rows.QueueRow>("collectQueue", u56(index) + u56(blob)),
  dropQueue: (sequence: number) => key<rows.DropRow>("dropQueue", u56(sequence)),
  session: (session: SessionId) => key<rows.SessionRow>("session", u56(session)),
  /** `row`: the slot divided by `limits.sessionRowSlots`. */
  sessionResults: (session: SessionId, row: number) =>
    key<rows.SessionResultsRow>("sessionResults", u56(session) + u32(row)),
  sessionCount: () => key<rows.SessionCountRow>("sessionCount", ""),
} as const;

/** What all keys of a kind begin with; with a bucket, all keys of that bucket. */
export function prefixOf(tag: Tag, bucket?: number): Key {
  return tags[tag] + (bucket === undefined ? "" : u56(bucket));
}

/** What all rows of one name in one bucket begin with (version, trash, upload, stream). */
export function namePrefix(tag: Tag, bucket: number, name: string): Key {
  return tags[tag] + u56(bucket) + text(name);
}

/** Reads the components of a key one after the other. */
export class KeyReader {
  readonly #key: Key;
  #at: number;

  constructor(from: Key, skip = 1) {
    this.#key = from;
    this.#at = skip;
  }

  u32(): number {
    let value = 0;
    for (let i = 0; i < 4; i++) value = value * 256 + this.#key.charCodeAt(this.#at++);
    return value;
  }

  u56(): number {
    let value = 0;
    for (let i = 0; i < 7; i++) value = value * 256 + this.#key.charCodeAt(this.#at++);
    return value;
  }

  newestFirst(): number {
    return U56_MAX - this.u56();
  }

  text(): string {
    const start = this.#at;
    let end = this.#key.indexOf("\0", start);
    let escaped = false;
    while (end >= 0 && this.#key.charCodeAt(end + 1) === 0xff) {
      escaped = true;
      end = this.#key.indexOf("\0", end + 2);
    }
    this.#at = end + 2;
    const bytes = this.#key.slice(start, end);
    return Buffer.from(escaped ? bytes.replaceAll("\0\xff", "\0") : bytes, "latin1").toString(
      "utf8",
    );
  }
}

/** Name under a `current` key: bucket id is skipped. */
export function nameOf(from: Key): string {
  return new KeyReader(from, 8).text();
}
