/**
 * What the fields of a form ask for, as the headers that a PUT would carry. Fields can hold any
 * character, so they are held to what a header can be.
 */
import type { IncomingHttpHeaders } from "node:http";
import { withHoisted } from "../hoisted-headers.ts";
import { S3Error } from "../s3/errors.ts";
import { safeHeaderValue } from "../s3/object-headers.ts";
import { parseTagging } from "../s3/tag-set.ts";
import { taggingHeader } from "../s3/tagging-header.ts";

const plain = [
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-md5",
  "content-type",
  "expires",
];

/** What of a form's own head counts: where it was sent, and whose the bucket must be. */
const ofHead = ["host", "x-amz-expected-bucket-owner"];

export function headersOfForm(
  fields: ReadonlyMap<string, string>,
  head: IncomingHttpHeaders,
): IncomingHttpHeaders {
  const known = ofHead.filter((name) => head[name] !== undefined);
  const headers = withHoisted(Object.fromEntries(known.map((name) => [name, head[name]])), fields);
  for (const name of plain) {
    const value = fields.get(name);
    if (value !== undefined) headers[name] = safeHeaderValue(name, value);
  }
  const acl = fields.get("acl");
  if (acl !== undefined) add(headers, "x-amz-acl", safeHeaderValue("acl", acl));
  const tagging = fields.get("tagging");
  if (tagging !== undefined)
    add(headers, "x-amz-tagging", taggingHeader(parseTagging(Buffer.from(tagging))));
  return headers;
}

function add(headers: IncomingHttpHeaders, name: string, value: string): void {
  if (headers[name] !== undefined)
    throw new S3Error("InvalidArgument", `${name} is asked for by two fields of the form.`);
  headers[name] = value;
}
