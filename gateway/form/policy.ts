/**
 * The policy of a form: what its signer lets whoever holds the form store, and until when. Pure.
 *
 * A field that no condition names is refused, so that a form cannot be given more fields than its
 * signer meant. Exempt are those that carry the proof itself, those that are to be ignored, and
 * checksums of the file: these can only make an upload fail.
 */
import { algorithmOfHeader } from "../checksums.ts";
import { S3Error } from "../s3/errors.ts";

export interface Condition {
  readonly operator: "eq" | "starts-with";
  /** In lower case, without `$`. */
  readonly field: string;
  readonly value: string;
}

export interface PostPolicy {
  readonly expiresMs: number;
  readonly conditions: readonly Condition[];
  /** Of the file. */
  readonly minBytes: number;
  readonly maxBytes: number;
}

const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;
const uncovered = new Set(["awsaccesskeyid", "signature", "x-amz-signature", "policy", "file"]);

/** @throws S3Error `InvalidPolicyDocument`. */
export function parsePolicy(base64: string): PostPolicy {
  const document = jsonOf(base64);
  if (typeof document !== "object" || document === null || Array.isArray(document))
    throw invalid("it is not a JSON object");
  const { expiration, conditions } = document as Readonly<Record<string, unknown>>;
  const expiresMs =
    typeof expiration === "string" && moment.test(expiration) ? Date.parse(expiration) : Number.NaN;
  if (Number.isNaN(expiresMs)) throw invalid("expiration must be like 2030-12-31T12:00:00.000Z");
  if (!Array.isArray(conditions)) throw invalid("conditions must be a list");
  const all: Condition[] = [];
  let minBytes = 0;
  let maxBytes = Number.POSITIVE_INFINITY;
  for (const each of conditions as readonly unknown[]) {
    const range = rangeOf(each);
    if (range === undefined) all.push(conditionOf(each));
    else {
      minBytes = Math.max(minBytes, range.minBytes);
      maxBytes = Math.min(maxBytes, range.maxBytes);
    }
  }
  return { expiresMs, conditions: all, minBytes, maxBytes };
}

function jsonOf(base64: string): unknown {
  // Beside JSON's own escapes a policy may have `\$` for a dollar sign.
  const text = Buffer.from(base64, "base64")
    .toString("utf8")
    .replace(/\\(.)/gs, (escaped, char: string) => (char === "$" ? "$" : escaped));
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new S3Error(
      "InvalidPolicyDocument",
      "Invalid Policy: it is not JSON.",
      {},
      { cause: error },
    );
  }
}

function rangeOf(each: unknown): { minBytes: number; maxBytes: number } | undefined {
  if (!Array.isArray(each)) return undefined;
  const [operator, min, max] = each as readonly unknown[];
  if (wordOf(operator) !== "content-length-range") return undefined;
  const minBytes = bytesOf(min);
  const maxBytes = bytesOf(max);
  if (each.length !== 3 || minBytes === undefined || maxBytes === undefined || minBytes > maxBytes)
    throw invalid("content-length-range takes two numbers of bytes");
  return { minBytes, maxBytes };
}

/** Anything can stand where an operator should; what is no text is none. */
function wordOf(operator: unknown): string {
  return typeof operator === "string" ? operator.toLowerCase() : "";
}

function bytesOf(value: unknown): number | undefined {
  if (typeof value !== "number" && typeof value !== "string") return undefined;
  return /^\d{1,15}$/.test(String(value)) ? Number(value) : undefined;
}

/** `{"field": "value"}` or `["operator", "$field", "value"]`. */
function conditionOf(each: unknown): Condition {
  if (typeof each !== "object" || each === null)
    throw invalid("a condition is a list or an object");
  if (!Array.isArray(each)) {
    const [only, second] = Object.entries(each);
    if (only === undefined || second !== undefined || typeof only[1] !== "string")
      throw invalid("a simple condition has exactly one field and its value");
    return { operator: "eq", field: only[0].toLowerCase(), value: only[1] };
  }
  const [operator, field, value] = each as readonly unknown[];
  const named = wordOf(operator);
  if (named !== "eq" && named !== "starts-with") throw invalid("an operator is not known");
  if (typeof field !== "string" || !field.startsWith("$") || typeof value !== "string")
    throw invalid(`${named} takes a "$field" and a text`);
  if (each.length !== 3) throw invalid(`${named} takes two arguments`);
  return { operator: named, field: field.slice(1).toLowerCase(), value };
}

function invalid(why: string): S3Error {
  return new S3Error("InvalidPolicyDocument", `Invalid Policy: ${why}.`);
}

/**
 * Throws unless the fields are what the policy allows. `fields` has names in lower case; `bucket` is
 * the one that the request goes to, whatever the form says.
 */
export function judgePolicy(
  policy: PostPolicy,
  fields: ReadonlyMap<string, string>,
  bucket: string,
  nowMs: number,
): void {
  if (nowMs >= policy.expiresMs) throw refused("Policy expired.");
  const all = new Map(fields).set("bucket", bucket);
  const covered = new Set<string>();
  for (const condition of policy.conditions) {
    const { operator, field, value } = condition;
    if (!holds(condition, all.get(field)))
      throw refused(`Policy Condition failed: ${JSON.stringify([operator, `$${field}`, value])}`);
    covered.add(field);
  }
  for (const name of all.keys())
    if (!covered.has(name) && !isExempt(name)) throw refused(`Extra input fields: ${name}`);
}

function isExempt(name: string): boolean {
  return (
    uncovered.has(name) || name.startsWith("x-ignore-") || algorithmOfHeader(name) !== undefined
  );
}

function holds({ operator, field, value }: Condition, given: string | undefined): boolean {
  if (given === undefined) return false;
  if (operator === "eq") return given === value;
  // A list of types must begin so one by one.
  const parts = field === "content-type" ? given.split(",").map((part) => part.trim()) : [given];
  return parts.every((part) => part.startsWith(value));
}

function refused(why: string): S3Error {
  return new S3Error("AccessDenied", `Invalid according to Policy: ${why}`);
}
