/**
 * OPTIONS: a browser asks, without credentials, whether a page may send a request. The answer comes
 * from the rules of the bucket alone. A bucket that is not there answers as one without rules does.
 */
import type { IncomingHttpHeaders } from "node:http";
import { limits } from "../../base/limits.ts";
import type { BucketInfo } from "../../rpc/objects.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import { S3Error } from "../s3/errors.ts";
import { preflightHeaders } from "./headers.ts";

const headerName = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

export function preflight(bucket: BucketInfo | undefined, headers: IncomingHttpHeaders): Answer {
  const { origin } = headers;
  if (origin === undefined)
    throw new S3Error("BadRequest", "Insufficient information. Origin request header needed.");
  const method = headers["access-control-request-method"];
  if (method === undefined)
    throw new S3Error("BadRequest", "A preflight needs the header Access-Control-Request-Method.");
  const names = (headers["access-control-request-headers"] ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const readable =
    names.length <= limits.corsRequestHeaders && names.every((name) => headerName.test(name));
  const allowed = readable
    ? preflightHeaders(bucket?.cors ?? [], { origin, method, headers: names })
    : undefined;
  if (allowed === undefined)
    throw new S3Error(
      "AccessForbidden",
      "This CORS request is not allowed: no rule of the bucket fits its Origin, Access-Control-Request-Method and Access-Control-Request-Headers.",
      { Method: method },
    );
  return emptyAnswer(200, allowed);
}
