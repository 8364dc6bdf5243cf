/** Rows that the list verbs write. */
import { limits } from "../../base/limits.ts";
import type { ListReply, ObjectInfo } from "../../rpc/name-service.ts";
import { controlOfObject } from "../acl/evaluate.ts";
import { bucketOf, type Call } from "../call.ts";
import { element, escapeXml, isoTime, wrap } from "../xml-write.ts";
import { S3Error } from "./errors.ts";
import { displayNamesOf, ownerElement } from "./owner-xml.ts";

/** One page of current objects; a limit of 0 asks nobody. */
export async function listPage(call: Call, after: string, limit: number): Promise<ListReply> {
  if (limit === 0) return { objects: [], prefixes: [], truncated: false };
  const { bucket, query } = call.target;
  if (query.get("allow-unordered") === "true" && query.has("delimiter"))
    throw new S3Error("InvalidArgument", "An unordered listing cannot have a delimiter.");
  return await call.store.names.list({
    bucket,
    prefix: query.get("prefix") ?? "",
    delimiter: query.get("delimiter") ?? "",
    after,
    limit: Math.min(limit, limits.listKeys),
  });
}

type Encode = (text: string) => string;

export function objectRows(
  objects: readonly ObjectInfo[],
  encode: Encode,
  owner: ((object: ObjectInfo) => string) | undefined,
): string {
  let rows = "";
  for (const object of objects) {
    rows += `<Contents><Key>${escapeXml(encode(object.key))}</Key><LastModified>${isoTime(object.modifiedMs)}</LastModified>${objectDetail(object)}`;
    if (owner !== undefined) rows += owner(object);
    rows += "</Contents>";
  }
  return rows;
}

/** ETag, checksum, size and storage class. */
export function objectDetail({ attributes, lengthBytes }: ObjectInfo): string {
  const { etag, checksum, storageClass = "STANDARD" } = attributes;
  const sum =
    checksum === undefined
      ? ""
      : `<ChecksumAlgorithm>${checksum.algorithm}</ChecksumAlgorithm><ChecksumType>${checksum.type}</ChecksumType>`;
  return `<ETag>&quot;${etag}&quot;</ETag>${sum}<Size>${lengthBytes}</Size><StorageClass>${storageClass}</StorageClass>`;
}

export function prefixRows(prefixes: readonly string[], encode: Encode): string {
  let rows = "";
  for (const prefix of prefixes) rows += wrap("CommonPrefixes", element("Prefix", encode(prefix)));
  return rows;
}

/** Writes the owners of the objects of one page; each is looked up once. */
export async function objectOwners(
  call: Call,
  objects: readonly ObjectInfo[],
): Promise<(object: ObjectInfo) => string> {
  const bucket = bucketOf(call);
  const idOf = ({ attributes }: ObjectInfo) => controlOfObject(bucket, attributes).owner;
  const ids = new Set(objects.map(idOf));
  const names = await displayNamesOf(call, ids);
  const xml = new Map<string, string>();
  for (const id of ids) xml.set(id, ownerElement("Owner", id, names));
  return (object) => xml.get(idOf(object)) ?? "";
}
