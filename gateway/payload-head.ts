/** What the head of a request tells of its body. */
import type { IncomingHttpHeaders } from "node:http";
import { S3Error } from "./s3/errors.ts";
import type { PayloadPlan } from "./sigv4/authenticate.ts";

/**
 * Content-Length, or for an aws-chunked body x-amz-decoded-content-length. Undefined for what tells no
 * length, but its own end: the file of a form, a chunked transfer.
 */
export function lengthOf(headers: IncomingHttpHeaders, plan: PayloadPlan): number | undefined {
  if (plan.kind === "file") return undefined;
  const text =
    plan.kind === "chunked" ? headers["x-amz-decoded-content-length"] : headers["content-length"];
  if (plan.kind !== "chunked" && headers["transfer-encoding"] !== undefined) return undefined;
  if (typeof text !== "string") throw new S3Error("MissingContentLength");
  const lengthBytes = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(lengthBytes))
    throw new S3Error("InvalidArgument", "The length is not a number.");
  return lengthBytes;
}

/** Content-MD5 in hex. */
export function md5Of(headers: IncomingHttpHeaders): string | undefined {
  const header = headers["content-md5"];
  if (header === undefined) return undefined;
  const bytes = Buffer.from(String(header), "base64");
  if (bytes.length !== 16) throw new S3Error("InvalidDigest");
  return bytes.toString("hex");
}
