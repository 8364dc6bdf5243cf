/** Pages of the streams of a bucket: all of them, or the revisions of a filename. */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { ObjectInfo } from "../../rpc/name-service.ts";
import type { StreamListReply, StreamListRequest, StreamObject } from "../../rpc/streams.ts";
import { type Key, keys, nameOf, namePrefix, prefixEnd, prefixOf } from "../keyspace.ts";
import { decodeRow } from "../row-codec.ts";
import type { NameRow, StreamRow } from "../rows.ts";
import type { StateReads, Stored } from "../state-store.ts";
import { objectInfo } from "./lookup.ts";
import { read, readBucket } from "./read.ts";

/** Entries read at once while looking for streams. */
const READ = 256;

/**
 * `state` is of one moment. @throws QuarryError `NoSuchBucket`; `InvalidArgument` for an `after` that no
 * reply said.
 */
export async function streams(
  state: StateReads,
  request: StreamListRequest,
): Promise<StreamListReply> {
  const { filename } = request;
  const bucket = readBucket(state, request.bucket).id;
  const limit = Math.max(1, Math.min(request.limit, limits.listKeys));
  const all =
    filename === undefined ? prefixOf("current", bucket) : namePrefix("stream", bucket, filename);
  const from = request.after === "" ? all : startBehind(request.after, all);
  const streamAt = filename === undefined ? byKey : byFilename(state, bucket);
  await using cursor = state.range(from, prefixEnd(all));
  const found: StreamObject[] = [];
  for (let looked = 0; looked < limits.streamScan; ) {
    const wanted = Math.min(READ, limit - found.length, limits.streamScan - looked);
    const entries = await cursor.next(wanted);
    looked += entries.length;
    for (const entry of entries) found.push(...streamAt(entry));
    const last = entries.at(-1);
    if (last === undefined) return { streams: found };
    if (found.length >= limit || looked >= limits.streamScan)
      return { streams: found, next: Buffer.from(last.key, "latin1").toString("base64") };
  }
  return { streams: found };
}

function startBehind(after: string, all: Key): Key {
  const key = Buffer.from(after, "base64").toString("latin1");
  if (!key.startsWith(all))
    throw new QuarryError("InvalidArgument", "`after` is what the page before said, or empty");
  return `${key}\0`;
}

function byKey({ key, value }: Stored): StreamObject[] {
  return asStream(objectInfo(nameOf(key), decodeRow<NameRow>(key, value)));
}

function byFilename(state: StateReads, bucket: number): (entry: Stored) => StreamObject[] {
  return ({ key: at, value }) => {
    const { key } = decodeRow<StreamRow>(at, value);
    const row = read(state, keys.current(bucket, key));
    return row === undefined ? [] : asStream(objectInfo(key, row));
  };
}

function asStream(object: ObjectInfo): StreamObject[] {
  const { stream } = object.attributes;
  return stream === undefined ? [] : [{ ...object, attributes: { ...object.attributes, stream } }];
}
