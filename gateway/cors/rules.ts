/** Which rule of a bucket lets a page of another origin see an answer. Pure. */
import type { CorsRule } from "../../rpc/objects.ts";

export interface CorsRequest {
  readonly origin: string;
  /** What the page does, or asks in a preflight whether it may do. */
  readonly method: string;
  /** Names of headers that a preflight asks for. */
  readonly headers: readonly string[];
}

export interface CorsGrant {
  readonly rule: CorsRule;
  /** The rule is for all origins, so that the answer need not name the one that asked. */
  readonly anyOrigin: boolean;
}

/** The first rule that fits, as AWS has it. */
export function grantOf(rules: readonly CorsRule[], request: CorsRequest): CorsGrant | undefined {
  for (const rule of rules) {
    const pattern = rule.allowedOrigins.find((allowed) => fits(allowed, request.origin));
    if (pattern === undefined || !rule.allowedMethods.includes(request.method)) continue;
    const headersFit = request.headers.every((name) =>
      rule.allowedHeaders.some((allowed) => fits(allowed.toLowerCase(), name.toLowerCase())),
    );
    if (headersFit) return { rule, anyOrigin: pattern === "*" };
  }
  return undefined;
}

/** A pattern has at most one `*`, which stands for any text or none. */
function fits(pattern: string, text: string): boolean {
  const star = pattern.indexOf("*");
  if (star < 0) return pattern === text;
  return (
    text.length >= pattern.length - 1 &&
    text.startsWith(pattern.slice(0, star)) &&
    text.endsWith(pattern.slice(star + 1))
  );
}
