/** Conditions on reads, in the order of RFC 9110 §13.2.2. */
import type { IncomingHttpHeaders } from "node:http";
import type { ObjectInfo } from "../../rpc/name-service.ts";
import { S3Error } from "./errors.ts";

/** `W/"a", "b"` or `a`: whether one of the tags is this one. */
export function matchesEtag(list: string, etag: string): boolean {
  return list.split(",").some((item) => {
    const tag = item.trim().replace(/^W\//, "");
    return tag === "*" || tag === etag || tag === `"${etag}"`;
  });
}

/** HTTP dates have whole seconds. */
function secondsOf(ms: number): number {
  return Math.floor(ms / 1000);
}

function dateOf(text: string | undefined): number | undefined {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? undefined : secondsOf(ms);
}

/** Throws PreconditionFailed; says whether the client's copy is still good (304). */
export function judgeRead(headers: IncomingHttpHeaders, object: ObjectInfo): "send" | "unchanged" {
  const ifMatch = headers["if-match"];
  const ifNoneMatch = headers["if-none-match"];
  const { etag } = object.attributes;
  if (ifMatch !== undefined) {
    if (!matchesEtag(ifMatch, etag)) throw failed("If-Match");
  } else {
    const unmodified = dateOf(headers["if-unmodified-since"]);
    if (unmodified !== undefined && secondsOf(object.modifiedMs) > unmodified)
      throw failed("If-Unmodified-Since");
  }
  if (ifNoneMatch !== undefined) return matchesEtag(ifNoneMatch, etag) ? "unchanged" : "send";
  const modified = dateOf(headers["if-modified-since"]);
  return modified !== undefined && secondsOf(object.modifiedMs) <= modified ? "unchanged" : "send";
}

/** If-Range: the range counts only while the object is the one that the client has a part of. */
export function rangeCounts(ifRange: string | undefined, object: ObjectInfo): boolean {
  if (ifRange === undefined) return true;
  const date = dateOf(ifRange);
  if (date !== undefined && !ifRange.includes('"')) return secondsOf(object.modifiedMs) === date;
  return !ifRange.startsWith("W/") && matchesEtag(ifRange, object.attributes.etag);
}

function failed(condition: string): S3Error {
  return new S3Error("PreconditionFailed", undefined, { Condition: condition });
}
