/** What verbs read out of headers and parameters: any text gives a value within its bounds, or a refusal. */
import type { IncomingHttpHeaders } from "node:http";
import { limits } from "../../base/limits.ts";
import { refuseUnknownWishes } from "../../gateway/authorize.ts";
import { checksumHeaderOf, promisedChecksum } from "../../gateway/checksum-headers.ts";
import { withHoisted } from "../../gateway/hoisted-headers.ts";
import { Payload } from "../../gateway/payload.ts";
import { encodeKey, encodeText } from "../../gateway/percent.ts";
import { parseCopySource } from "../../gateway/s3/copy-source.ts";
import { countParameter, decodeToken, keyEncoder } from "../../gateway/s3/list-parameters.ts";
import { firstOffset, parseRange, resolveRange } from "../../gateway/s3/range.ts";
import { judgeRead, rangeCounts } from "../../gateway/s3/read-conditions.ts";
import { parseTaggingHeader } from "../../gateway/s3/tagging-header.ts";
import { parseTarget } from "../../gateway/target.ts";
import { asReceived, canBeSent } from "./as-received.ts";
import type { Chance } from "./chance.ts";
import { check, outcomeOf, type Target } from "./rounds.ts";

const object = {
  key: "k",
  version: "null",
  modifiedMs: Date.UTC(2026, 0, 1),
  lengthBytes: 1000,
  deleteMarker: false,
  attributes: { etag: "0123456789abcdef0123456789abcdef" },
};

const SCRAPS = [
  "bytes=",
  "-",
  ",",
  "0",
  "999",
  "1000",
  "99999999999999999999",
  "*",
  '"',
  "W/",
  object.attributes.etag,
  "Thu, 01 Jan 2026 00:00:00 GMT",
  "AAAAAA==",
  "CRC32",
  "sha256",
  "x-amz-checksum-crc32",
  "%2B",
  "&",
  "=",
  "+",
  "NaN",
  "1e3",
  "0x10",
  "-1",
];

/** A value as Node gives it: latin1, no controls. */
function value(chance: Chance): string {
  let text = "";
  for (let left = chance.upTo(6); left > 0; left--)
    text += chance.once(3) ? chance.text(4) : (chance.one(SCRAPS) ?? "");
  return asReceived(Buffer.from(text, "utf8").toString("latin1"));
}

function headersOf(chance: Chance, names: readonly string[]): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {};
  for (const name of names) if (chance.once(3)) headers[name] = value(chance);
  return headers;
}

const checks: Readonly<
  Record<string, (chance: Chance, trying: (input: unknown) => void) => string>
> = {
  range(chance, trying) {
    const text = chance.once(2)
      ? value(chance)
      : `bytes=${chance.once(3) ? "" : chance.upTo(1200)}-${chance.once(3) ? "" : chance.upTo(1200)}`;
    trying(text);
    const range = parseRange(text);
    if (range === undefined) return "no range";
    check(Number.isSafeInteger(firstOffset(range)), "an offset that is no number");
    const span = resolveRange(range, object.lengthBytes);
    if (span === "unsatisfiable") return "unsatisfiable";
    const { offset, lengthBytes } = span;
    check(offset >= 0 && lengthBytes > 0 && offset + lengthBytes <= object.lengthBytes, "beyond");
    return "range";
  },
  conditions(chance, trying) {
    const names = [
      "if-match",
      "if-none-match",
      "if-modified-since",
      "if-unmodified-since",
      "if-range",
    ];
    const headers = headersOf(chance, names);
    trying(headers);
    rangeCounts(headers["if-range"] as string | undefined, object);
    return judgeRead(headers, object);
  },
  checksums(chance, trying) {
    const headers = headersOf(chance, [
      "x-amz-checksum-crc32",
      "x-amz-checksum-sha256",
      "x-amz-trailer",
      "x-amz-sdk-checksum-algorithm",
      "content-md5",
      "content-length",
      "x-amz-decoded-content-length",
      "content-encoding",
    ]);
    trying(headers);
    checksumHeaderOf(headers);
    promisedChecksum(headers, chance.once(2));
    const none = (async function* () {})();
    const plan = chance.once(2)
      ? ({ kind: "unsigned" } as const)
      : ({ kind: "chunked", trailer: true } as const);
    const { lengthBytes } = new Payload(headers, plan, none, { etag: true, maxBytes: 5000 });
    check(lengthBytes >= 0 && lengthBytes <= 5000, "a length out of bounds");
    return "payload";
  },
  tags(chance, trying) {
    const text = value(chance);
    trying(text);
    const tags = parseTaggingHeader(text) ?? {};
    check(Object.keys(tags).length <= limits.tags, "too many tags");
    return "tags";
  },
  hoisted(chance, trying) {
    const url = Buffer.from(
      `/b/k?x-amz-meta-${chance.text(5)}=${chance.text(9)}&X-Amz-${chance.word(5)}=${chance.text(5)}`,
    );
    trying(url);
    const { query } = parseTarget(url.toString("latin1"), "h");
    const headers = withHoisted({ host: "h" }, query);
    for (const [name, of] of Object.entries(headers)) {
      check(!/[^\x21-\x7e]/.test(name), "a header name that cannot be");
      check(canBeSent(String(of)), "a value that cannot be");
    }
    refuseUnknownWishes(headers);
    return "hoisted";
  },
  copies(chance, trying) {
    const key = `${chance.text(12)}k`;
    const version = chance.once(2) ? undefined : `${chance.text(4)}v`;
    const behind = version === undefined ? "" : `?versionId=${encodeText(version)}`;
    const source = `${chance.once(2) ? "/" : ""}bucket/${encodeKey(key)}${behind}`;
    trying(source);
    const named = parseCopySource(source);
    check(named.bucket === "bucket" && named.key === key && named.version === version, "another");
    const text = chance.once(2) ? value(chance) : asReceived(chance.changeText(source));
    trying(text);
    const { bucket, key: other } = parseCopySource(text);
    check(bucket !== "" && !bucket.includes("/") && other !== "", "a name that cannot be");
    return "source";
  },
  lists(chance, trying) {
    const query = new Map([
      ["max-keys", value(chance)],
      ["encoding-type", value(chance)],
    ]);
    const token = chance.once(2)
      ? value(chance)
      : chance.bytes(chance.upTo(9)).toString("base64url");
    trying({ query: [...query], token });
    const count = countParameter(query, "max-keys", 1000);
    check(count >= 0 && count <= 1000, "a count out of bounds");
    decodeToken(token);
    keyEncoder(query);
    return "list";
  },
};
const names = Object.keys(checks);

export const headerChecks: Target = {
  name: "headers",
  run({ chance, trying }) {
    const name = chance.one(names) ?? "range";
    return `${name}: ${outcomeOf(() => checks[name]?.(chance, trying) ?? "")}`;
  },
};
