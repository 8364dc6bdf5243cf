/** Conditions on writes and deletes; judged where the command is applied. */
import type { IncomingHttpHeaders } from "node:http";
import type { WriteConditions } from "../../rpc/commands.ts";
import { mayList } from "../acl/permissions.ts";
import { bucketOf, type Call } from "../call.ts";
import { S3Error } from "./errors.ts";

/** The tag without its quotes. */
export function bareEtag(text: string): string {
  const tag = text.trim();
  return tag.length >= 2 && tag.startsWith('"') && tag.endsWith('"') ? tag.slice(1, -1) : tag;
}

function refuseDates(headers: IncomingHttpHeaders): void {
  if (headers["if-modified-since"] !== undefined || headers["if-unmodified-since"] !== undefined)
    throw new S3Error("NotImplemented", "Writes take If-Match and If-None-Match only.");
}

export function writeConditions(headers: IncomingHttpHeaders): WriteConditions | undefined {
  const ifMatch = headers["if-match"];
  const ifNoneMatch = headers["if-none-match"];
  refuseDates(headers);
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined;
  return {
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
  };
}

/** The conditions of a write, if the caller may ask what they ask. @throws S3Error `AccessDenied`. */
export function conditionsOf(call: Call): WriteConditions | undefined {
  const conditions = writeConditions(call.headers);
  if (conditions === undefined) return undefined;
  const { ifMatch, ifNoneMatch } = conditions;
  if (ifMatch !== undefined || ifNoneMatch !== "*") permitQuestions(call);
  return conditions;
}

/**
 * A condition is a question about what is there, and who may write may not always read. Whether a key
 * is free may be asked by everyone who writes; the rest only by those whom a listing would tell it.
 */
function permitQuestions(call: Call): void {
  if (!mayList(call.identity, bucketOf(call)))
    throw new S3Error("AccessDenied", "Such a condition needs the right to list the bucket.");
}

/** What a delete demands of the version that goes, as clients write it. */
export interface DeleteDemands {
  readonly etag?: string | undefined;
  /** A date as in HTTP headers, or of ISO 8601. */
  readonly modified?: string | undefined;
  /** Bytes. */
  readonly length?: string | undefined;
}

export function demandsOf(headers: IncomingHttpHeaders): DeleteDemands {
  refuseDates(headers);
  if (headers["if-none-match"] !== undefined)
    throw new S3Error("NotImplemented", "A delete takes If-Match, not If-None-Match.");
  const text = (name: string) => headers[name]?.toString();
  return {
    etag: headers["if-match"],
    modified: text("x-amz-if-match-last-modified-time"),
    length: text("x-amz-if-match-size"),
  };
}

/** @throws S3Error `AccessDenied`, `InvalidArgument`. */
export function deleteConditions(
  call: Call,
  { etag, modified, length }: DeleteDemands,
): WriteConditions | undefined {
  if (etag === undefined && modified === undefined && length === undefined) return undefined;
  permitQuestions(call);
  return {
    ...(etag === undefined ? {} : { ifMatch: etag }),
    ...(modified === undefined ? {} : { ifModifiedMs: timeOf(modified) }),
    ...(length === undefined ? {} : { ifLengthBytes: lengthOf(length) }),
  };
}

function timeOf(text: string): number {
  const ms = Date.parse(text.trim());
  if (Number.isNaN(ms))
    throw new S3Error("InvalidArgument", "The last modified time to match is no date.", {
      ArgumentValue: text,
    });
  return ms;
}

function lengthOf(text: string): number {
  if (!/^\s*\d{1,15}\s*$/.test(text))
    throw new S3Error("InvalidArgument", "The size to match is no number of bytes.", {
      ArgumentValue: text,
    });
  return Number(text);
}
