/** From a name to its object and chunks. */
import { QuarryError } from "../../base/errors.ts";
import type { ChunkRun, ContentPin, NameService, ObjectInfo } from "../../rpc/name-service.ts";
import type { StateReader } from "../group.ts";
import { keys } from "../keyspace.ts";
import type { NameRow } from "../rows.ts";
import { parseVersion, versionText } from "../version-id.ts";
import { chunkRun, pinOf } from "./content.ts";
import { read, readBucket } from "./read.ts";

type Request = Parameters<NameService["lookup"]>[0];

export function objectInfo(key: string, row: NameRow): ObjectInfo {
  return {
    key,
    version: versionText(row),
    modifiedMs: row.ms,
    lengthBytes: row.length,
    deleteMarker: row.marker === true,
    attributes: row.attributes,
  };
}

function findVersion(
  state: StateReader,
  bucket: number,
  key: string,
  text: string,
): NameRow | undefined {
  const version = parseVersion(text);
  const current = read(state, keys.current(bucket, key));
  if (version === "null") {
    if (current?.isNull === true) return current;
    const at = read(state, keys.nullVersion(bucket, key));
    return at === undefined ? undefined : read(state, keys.version(bucket, key, at.seq));
  }
  const row = current?.seq === version ? current : read(state, keys.version(bucket, key, version));
  return row?.isNull === true ? undefined : row;
}

export function lookup(
  state: StateReader,
  { bucket: name, key, version, offset }: Request,
): { object: ObjectInfo; run?: ChunkRun; pin: ContentPin } {
  const bucket = readBucket(state, name);
  const row =
    version === undefined
      ? read(state, keys.current(bucket.id, key))
      : findVersion(state, bucket.id, key, version);
  if (row === undefined)
    throw version === undefined
      ? new QuarryError("NoSuchKey", `there is no object ${key}`)
      : new QuarryError("NoSuchVersion", `there is no such version of ${key}`);
  const object = objectInfo(key, row);
  const pin = pinOf(bucket.id, row);
  if (offset === undefined) return { object, pin };
  const from = offset < 0 ? Math.max(0, row.length + offset) : offset;
  return { object, run: chunkRun(state, pin, from), pin };
}
