/** Rows that both list verbs write. */
import { limits } from "../../base/limits.ts";
import type { ListReply, ObjectInfo } from "../../rpc/name-service.ts";
import type { Call } from "../call.ts";
import { element, escapeXml, isoTime, wrap } from "../xml-write.ts";
import { ownerXml } from "./owner-xml.ts";

/** One page of current objects; a limit of 0 asks nobody. */
export async function listPage(call: Call, after: string, limit: number): Promise<ListReply> {
  if (limit === 0) return { objects: [], prefixes: [], truncated: false };
  const { bucket, query } = call.target;
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
    const { etag, checksum, storageClass = "STANDARD" } = object.attributes;
    rows += `<Contents><Key>${escapeXml(encode(object.key))}</Key><LastModified>${isoTime(object.modifiedMs)}</LastModified><ETag>&quot;${etag}&quot;</ETag>`;
    if (checksum !== undefined)
      rows += `<ChecksumAlgorithm>${checksum.algorithm}</ChecksumAlgorithm><ChecksumType>${checksum.type}</ChecksumType>`;
    rows += `<Size>${object.lengthBytes}</Size><StorageClass>${storageClass}</StorageClass>`;
    if (owner !== undefined) rows += owner(object);
    rows += "</Contents>";
  }
  return rows;
}

export function prefixRows(prefixes: readonly string[], encode: Encode): string {
  let rows = "";
  for (const prefix of prefixes) rows += wrap("CommonPrefixes", element("Prefix", encode(prefix)));
  return rows;
}

/** The owner of an object: who wrote it, else the caller, who owns the bucket. */
export function objectOwner(call: Call): (object: ObjectInfo) => string {
  const known = new Map<string, string>();
  return (object) => {
    const id = object.attributes.owner ?? call.identity.id;
    let xml = known.get(id);
    if (xml === undefined) {
      xml = ownerXml("Owner", call.identity, id);
      known.set(id, xml);
    }
    return xml;
  };
}
