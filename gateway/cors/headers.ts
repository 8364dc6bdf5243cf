/** What the answer to a page of another origin carries, so that its browser lets the page see it. */
import type { IncomingHttpHeaders } from "node:http";
import type { BucketInfo, CorsRule } from "../../rpc/objects.ts";
import type { AnswerHeaders } from "../answer.ts";
import { type CorsGrant, type CorsRequest, grantOf } from "./rules.ts";

/**
 * A cache must not answer one origin with what was meant for another, nor without these headers
 * what was asked for without an origin: so it stands on every answer of a bucket that has rules.
 */
const VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

const none: AnswerHeaders = {};

/** For any answer of a bucket but a preflight's, errors included. */
export function corsHeaders(
  bucket: BucketInfo | undefined,
  method: string,
  headers: IncomingHttpHeaders,
): AnswerHeaders {
  const rules = bucket?.cors;
  if (rules === undefined) return none;
  const { origin } = headers;
  if (origin === undefined) return { Vary: VARY };
  const asked = headers["access-control-request-method"] ?? method;
  const grant = grantOf(rules, { origin, method: asked, headers: [] });
  return grant === undefined ? { Vary: VARY } : granted(grant, origin);
}

/** For the answer to a preflight; undefined when no rule allows what it asks. */
export function preflightHeaders(
  rules: readonly CorsRule[],
  request: CorsRequest,
): AnswerHeaders | undefined {
  const grant = grantOf(rules, request);
  if (grant === undefined) return undefined;
  const headers = granted(grant, request.origin);
  if (request.headers.length === 0) return headers;
  return { ...headers, "Access-Control-Allow-Headers": request.headers.join(", ") };
}

function granted({ rule, anyOrigin }: CorsGrant, origin: string): AnswerHeaders {
  return {
    "Access-Control-Allow-Origin": anyOrigin ? "*" : origin,
    "Access-Control-Allow-Methods": rule.allowedMethods.join(", "),
    ...(rule.exposeHeaders.length > 0 && {
      "Access-Control-Expose-Headers": rule.exposeHeaders.join(", "),
    }),
    ...(rule.maxAgeSeconds !== undefined && {
      "Access-Control-Max-Age": String(rule.maxAgeSeconds),
    }),
    ...(!anyOrigin && { "Access-Control-Allow-Credentials": "true" }),
    Vary: VARY,
  };
}
