/**
 * A presigned URL carries x-amz-* headers as parameters. They come from a URL, where any character
 * can stand, so they are held to what a header can be.
 */
import type { IncomingHttpHeaders } from "node:http";
import { S3Error } from "./s3/errors.ts";
import { safeHeaderValue } from "./s3/object-headers.ts";

/** Parameters that are the signature's own. */
const authParameters = new Set([
  "x-amz-algorithm",
  "x-amz-credential",
  "x-amz-date",
  "x-amz-expires",
  "x-amz-signedheaders",
  "x-amz-signature",
  "x-amz-security-token",
  "x-amz-content-sha256",
]);

const headerName = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;

/** The headers with those of the query beside them; a header that was sent as such comes first. */
export function withHoisted(
  headers: IncomingHttpHeaders,
  query: ReadonlyMap<string, string>,
): IncomingHttpHeaders {
  const all: IncomingHttpHeaders = { ...headers };
  for (const [name, value] of query) {
    const lower = name.toLowerCase();
    if (!lower.startsWith("x-amz-") || authParameters.has(lower)) continue;
    if (!headerName.test(lower))
      throw new S3Error(
        "InvalidArgument",
        "A parameter of the URL stands for a header that cannot be.",
      );
    all[lower] ??= safeHeaderValue(lower, value);
  }
  return all;
}
