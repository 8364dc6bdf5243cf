import { expect, test } from "vitest";
import { limits } from "../base/limits.ts";
import { dataWishes, Payload, type PayloadSource, readSmallBody, xmlWishes } from "./payload.ts";
import { RequestBody } from "./request-body.ts";

const hello = ["hel", "lo"].map((text) => new TextEncoder().encode(text));

/** A body that writes down what it gave and what came back. */
function source(pieces: readonly Uint8Array[], log: string[]): PayloadSource {
  return {
    async *[Symbol.asyncIterator]() {
      for (const piece of pieces) {
        log.push(`gave ${Buffer.from(piece).toString()}`);
        yield piece;
      }
    },
    giveBack: (bytes) => log.push(`back ${Buffer.from(bytes).toString()}`),
  };
}

test("bytes that are copied go back before the next are asked for", async () => {
  const log: string[] = [];
  const headers = { "content-length": "5" };
  const payload = new Payload(headers, { kind: "unsigned" }, source(hello, log), dataWishes);
  for await (const bytes of payload) log.push(`read ${Buffer.from(bytes).toString()}`);
  expect(log).toEqual(["gave hel", "read hel", "back hel", "gave lo", "read lo", "back lo"]);
  expect(payload.md5Hex).toBe("5d41402abc4b2a76b9719d911017c592");
});

test("… in chunked bodies when all of a piece was read", async () => {
  const log: string[] = [];
  const framed = ["3\r\nhel\r\n2\r\nl", "o\r\n0\r\n\r\n"].map((t) => new TextEncoder().encode(t));
  const headers = { "content-length": "99", "x-amz-decoded-content-length": "5" };
  const plan = { kind: "chunked", trailer: true } as const;
  const payload = new Payload(headers, plan, source(framed, log), dataWishes);
  for await (const bytes of payload) log.push(`read ${Buffer.from(bytes).toString()}`);
  expect(log.filter((line) => !line.startsWith("gave")).map((line) => line.slice(0, 8))).toEqual([
    ...["read hel", "read l", "back 3\r\n", "read o", "back o\r\n"],
  ]);
});

test("bodies that are kept whole do not go back", async () => {
  const log: string[] = [];
  const headers = { "content-length": "5" };
  const payload = new Payload(headers, { kind: "unsigned" }, source(hello, log), xmlWishes);
  expect((await readSmallBody(payload)).toString()).toBe("hello");
  expect(log).toEqual(["gave hel", "gave lo"]);
});

const unsigned = { kind: "unsigned" } as const;
const trailing = { kind: "chunked", trailer: true } as const;

/** A body that can be had at once. */
const atOnce = (text: string, lengthBytes = text.length): PayloadSource => ({
  ...source([], []),
  lengthBytes,
  whole: () => Promise.resolve(new TextEncoder().encode(text)),
});

test("a small body is had at once, with its framing taken off", async () => {
  const plain = new Payload({ "content-length": "5" }, unsigned, atOnce("hello"), dataWishes);
  expect(Buffer.from((await plain.whole?.()) ?? []).toString()).toBe("hello");
  expect(plain.md5Hex).toBe("5d41402abc4b2a76b9719d911017c592");
  const headers = {
    ...{ "content-length": "99", "x-amz-decoded-content-length": "5" },
    "x-amz-trailer": "x-amz-checksum-crc32c",
  };
  const framed = atOnce("3\r\nhel\r\n2\r\nlo\r\n0\r\nx-amz-checksum-crc32c:mnG7TA==\r\n\r\n");
  const payload = new Payload(headers, trailing, framed, dataWishes);
  expect(Buffer.from((await payload.whole?.()) ?? []).toString()).toBe("hello");
  expect(payload.checksum?.value).toBe("mnG7TA==");
});

test("one that is large, or tells no length, is not", () => {
  const large = atOnce("hello", limits.smallBodyBytes + 1);
  expect(new Payload({ "content-length": "5" }, unsigned, large, dataWishes).whole).toBe(undefined);
  const open = atOnce("hello", Number.POSITIVE_INFINITY);
  const headers = { "transfer-encoding": "chunked" };
  expect(new Payload(headers, unsigned, open, dataWishes).whole).toBe(undefined);
});

test.each([
  ["its length", { "content-length": "6" }, unsigned, "IncompleteBody"],
  ["a greater length", { "content-length": "4" }, unsigned, "IncompleteBody"],
  ["its MD5", { "content-md5": "1B2M2Y8AsgTpgAmY7PhCfg==" }, unsigned, "BadDigest"],
  ["its CRC32C", { "x-amz-checksum-crc32c": "AAAAAA==" }, unsigned, "BadDigest"],
  ["its SHA-256", {}, { kind: "exact", sha256: "0".repeat(64) }, "XAmzContentSHA256Mismatch"],
] as const)("%s is checked of it, too", async (_, headers, plan, code) => {
  const payload = new Payload({ "content-length": "5", ...headers }, plan, atOnce("hello"), {
    ...dataWishes,
  });
  await expect(payload.whole?.()).rejects.toMatchObject({ code });
  expect(() => payload.md5Hex).toThrow("not read to its end");
});

test("only many bytes that have a buffer of their own are let go", () => {
  const isLetGo = (bytes: Uint8Array) => {
    RequestBody.prototype.giveBack(bytes);
    return bytes.buffer.byteLength === 0;
  };
  expect(isLetGo(new Uint8Array(65_536))).toBe(true);
  expect(isLetGo(new Uint8Array(65_536).subarray(0, 65_535))).toBe(false);
  expect(isLetGo(new Uint8Array(4096))).toBe(false);
});
