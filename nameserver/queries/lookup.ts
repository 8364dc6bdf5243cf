/** From a name to its object and chunks. */
import { QuarryError } from "../../base/errors.ts";
import type { NameService, ObjectInfo } from "../../rpc/name-service.ts";
import type { StateReader } from "../group/group.ts";
import { keys } from "../keyspace.ts";
import type { NameRow } from "../rows.ts";
import { type ReadRow, spanOfPart } from "../slices.ts";
import { sequenceText, versionText } from "../version-id.ts";
import { chunkRun, pinOf } from "./content.ts";
import { findVersion, hidingMarker } from "./find-version.ts";
import { bucketRow, readerOf } from "./read.ts";

type Lookup = NameService["lookup"];
type Request = Parameters<Lookup>[0];

export function objectInfo(key: string, row: NameRow): ObjectInfo {
  return {
    key,
    version: versionText(row),
    modifiedMs: row.ms,
    lengthBytes: row.length,
    deleteMarker: row.marker === true,
    attributes: row.attributes,
    ...(row.parts !== undefined && { parts: row.parts }),
    ...(row.upload !== undefined && { upload: sequenceText(row.upload) }),
    ...(row.list !== undefined && { linked: true }),
  };
}

/** @throws QuarryError `NoSuchKey`, `NoSuchVersion`, `NoSuchBucket`. */
export async function findObject(
  state: StateReader,
  { bucket: name, key, version }: Pick<Request, "bucket" | "key" | "version">,
  read: ReadRow = readerOf(state),
): Promise<{ bucket: number; row: NameRow }> {
  const { id, versioning } = bucketRow(read, name);
  if (version !== undefined) return { bucket: id, row: findVersion(state, id, key, version) };
  const current = read(keys.current(id, key));
  const row =
    current ?? (versioning === undefined ? undefined : await hidingMarker(state, id, key));
  if (row === undefined) throw new QuarryError("NoSuchKey", `there is no object ${key}`);
  return { bucket: id, row };
}

/** `read` may know rows that were read before; it tells what the state holds. */
export async function lookup(
  state: StateReader,
  request: Request,
  read: ReadRow = readerOf(state),
): ReturnType<Lookup> {
  const { key, offset, part } = request;
  const { bucket, row } = await findObject(state, request, read);
  const object = objectInfo(key, row);
  const pin = pinOf(bucket, row);
  const span = part === undefined || row.marker === true ? undefined : spanOfPart(read, row, part);
  const found = { object, pin, ...(span !== undefined && { span }) };
  if (offset === undefined) return found;
  const { offset: start, lengthBytes } = span ?? { offset: 0, lengthBytes: row.length };
  const from = start + (offset < 0 ? Math.max(0, lengthBytes + offset) : offset);
  return { ...found, run: chunkRun(state, pin, from, read) };
}
