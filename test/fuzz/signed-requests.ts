/**
 * Signatures: a valid request of any kind is accepted and gives its bytes, however they are cut. One
 * that was changed on the way is refused, or means exactly what was signed.
 */
import { Payload } from "../../gateway/payload.ts";
import { S3Error } from "../../gateway/s3/errors.ts";
import { authenticate, claimOf } from "../../gateway/sigv4/authenticate.ts";
import { canonicalRequest } from "../../gateway/sigv4/signature.ts";
import { SigningKeys } from "../../gateway/sigv4/signing-key.ts";
import { canonicalQuery, parseTarget } from "../../gateway/target.ts";
import { asReceived } from "./as-received.ts";
import type { Chance } from "./chance.ts";
import { check, type Target } from "./rounds.ts";
import { type ValidRequest, validRequest, type Wire } from "./valid-request.ts";

const signer = { accessKey: "AKTEST", secretKey: "not/a+secret", region: "us-east-1" };
const user = { secretKey: signer.secretKey, id: "user", displayName: "User" };
const verifier = { keys: new SigningKeys(), region: signer.region };
const nowMs = Date.UTC(2026, 5, 7, 8, 9, 10);

interface Accepted {
  /** What was signed, in one spelling. */
  readonly canonical: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: string;
  readonly amz: string;
  readonly content: Buffer;
}

/** The way of a request through the gateway, as far as signatures go. Throws S3Error. */
async function accept(chance: Chance, wire: Wire): Promise<Accepted> {
  const { method, headers, body } = wire;
  const target = parseTarget(wire.url, headers["host"] ?? "");
  const head = { method, target, headers };
  const claim = claimOf(head);
  if (claim === undefined) throw new S3Error("AccessDenied");
  const known = claim.accessKey === signer.accessKey ? user : undefined;
  const { payload: plan } = authenticate(head, claim, known, verifier, nowMs);
  const pieces = (async function* () {
    yield* chance.pieces(body);
  })();
  const payload = new Payload(headers, plan, pieces, { etag: true, maxBytes: 1e9 });
  const parts: Buffer[] = [];
  for await (const part of payload) parts.push(Buffer.from(part));
  const hash = headers["x-amz-content-sha256"] ?? "";
  return {
    canonical: canonicalRequest(method, target, headers, claim, hash),
    bucket: target.bucket,
    key: target.key,
    query: canonicalQuery(target.query, "X-Amz-Signature"),
    amz: amzOf(headers),
    content: Buffer.concat(parts),
  };
}

function wanted(chance: Chance) {
  const headers: Record<string, string> = {};
  for (let left = chance.upTo(3); left > 0; left--)
    headers[`x-amz-meta-${chance.word(5).toLowerCase()}`] = chance.word(9);
  const query: Record<string, string> = {};
  for (let left = chance.upTo(3); left > 0; left--) query[`${chance.text(4)}q`] = chance.text(6);
  return {
    signer,
    host: "h:9000",
    nowMs,
    method: chance.one(["PUT", "POST", "GET"]),
    bucket: "bucket",
    key: chance.text(20),
    query,
    headers,
    content: chance.bytes(
      chance.upTo(chance.one([0, 10, 300, 3000, chance.once(20) ? 200_000 : 50])),
    ),
  };
}

const STRANGE = [
  "__proto__",
  "constructor",
  "toString",
  "x-amz-acl",
  "x-amz-copy-source",
  "x-amz-meta-a",
  "range",
  "x-amz-decoded-content-length",
  "transfer-encoding",
  "x-amz-content-sha256",
];

/** Runs of spaces are one under the signature. */
const amzOf = (headers: Record<string, string>) =>
  Object.entries(headers)
    .filter(([name]) => name.startsWith("x-amz-"))
    .map(([name, value]) => `${name}:${value.replace(/ +/g, " ")}`)
    .sort()
    .join();

/** One change anywhere; names of headers in lower case, as Node gives them. */
function changed(chance: Chance, request: ValidRequest): Wire {
  const { method, url, body } = request;
  const headers = { ...request.headers };
  const name = chance.one(Object.keys(headers)) ?? "host";
  const value = headers[name] ?? "";
  switch (chance.below(10)) {
    case 0:
      return { method: chance.one(["PUT", "GET", "put", "DELETE"]), url, headers, body };
    case 1:
    case 2:
      return { method, url: chance.changeText(url), headers, body };
    case 3:
    case 4:
      headers[name] = asReceived(chance.changeText(value));
      return { method, url, headers, body };
    case 5:
      delete headers[name];
      if (chance.once(2)) headers[chance.changeText(name).toLowerCase()] = value;
      return { method, url, headers, body };
    case 6: {
      const strange = chance.one(STRANGE) ?? "";
      const authorization = headers["authorization"] ?? "";
      if (chance.once(2)) headers[strange] = chance.word(5);
      else headers["authorization"] = authorization.replace("=host", `=${strange};host`);
      return { method, url, headers, body };
    }
    default:
      return { method, url, headers, body: chance.change(body) };
  }
}

export const signedRequests: Target = {
  name: "signature",
  async run({ chance, trying }) {
    const request = validRequest(chance, wanted(chance));
    trying(request);
    const accepted = await accept(chance, request);
    check(accepted.content.equals(request.content), "other bytes than were sent");
    const wire = changed(chance, request);
    trying({ request, changed: wire });
    try {
      const other = await accept(chance, wire);
      const { content } = other;
      const free = request.kind === "unsigned" || request.kind === "presigned";
      check(
        content.equals(accepted.content) || (free && content.length === accepted.content.length),
        "other bytes were accepted",
      );
      check(
        JSON.stringify({ ...other, content: 0 }) === JSON.stringify({ ...accepted, content: 0 }),
        "another request was accepted",
      );
      return "accepted: means the same";
    } catch (error) {
      if (error instanceof S3Error && error.code !== "InternalError") return error.code;
      throw error;
    }
  },
};
