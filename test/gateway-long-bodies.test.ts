/** Bodies so long that their digests are computed beside the event loop: what was promised of them holds. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../base/random.ts";
import type { Store } from "../client/store.ts";
import { checksumAlgorithms, startChecksum } from "../gateway/checksums.ts";
import { type RunningGateway, runGateway } from "./gateway-running.ts";
import { memoryStore } from "./memory-store.ts";
import { sha256 } from "./sign-request.ts";

const UNSIGNED = "UNSIGNED-PAYLOAD";
const TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
let store: Store;
let running: RunningGateway;

beforeAll(async () => {
  store = await memoryStore();
  running = await runGateway(store);
  expect((await send("PUT", "/bucket", Buffer.alloc(0), UNSIGNED)).status).toBe(200);
});
afterAll(async () => {
  await running.gateway.close();
  await store[Symbol.asyncDispose]();
});

async function send(
  method: string,
  url: string,
  body: Buffer<ArrayBuffer>,
  hash: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const signed = running.sign(method, url, headers, hash);
  const { host: _, ...sent } = signed.headers;
  const content = method === "GET" ? {} : { body };
  return await fetch(running.endpoint + url, { method, headers: sent, ...content });
}

const md5 = (bytes: Uint8Array, encoding: "hex" | "base64") =>
  createHash("md5").update(bytes).digest(encoding);

function bodyOf(seed: number, lengthBytes: number): Buffer<ArrayBuffer> {
  return Buffer.from(seededRandom(seed).bytes(lengthBytes));
}

async function expectStored(url: string, whole: Buffer): Promise<void> {
  const got = await send("GET", url, Buffer.alloc(0), UNSIGNED);
  expect(got.headers.get("etag")).toBe(`"${md5(whole, "hex")}"`);
  expect(Buffer.from(await got.arrayBuffer()).equals(whole)).toBe(true);
}

async function expectRefused(answer: Response, url: string, code: string): Promise<void> {
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain(`<Code>${code}</Code>`);
  expect((await send("GET", url, Buffer.alloc(0), UNSIGNED)).status).toBe(404);
}

test("bodies of all lengths, many at once, get their ETags", async () => {
  const lengths = [1, 65_535, 262_143, 262_144, 1 << 20, (4 << 20) + 1, (9 << 20) - 63];
  const putOne = async (lengthBytes: number, i: number) => {
    const whole = bodyOf(i, lengthBytes);
    const answer = await send("PUT", `/bucket/length-${i}`, whole, UNSIGNED);
    expect(answer.headers.get("etag")).toBe(`"${md5(whole, "hex")}"`);
    await expectStored(`/bucket/length-${i}`, whole);
  };
  await Promise.all([...lengths, ...lengths].map(putOne));
});

test("Content-MD5 and the signed SHA-256 are held against what came", async () => {
  const whole = bodyOf(100, 5 << 20);
  const other = bodyOf(101, 5 << 20);
  const good = { "content-md5": md5(whole, "base64") };
  expect((await send("PUT", "/bucket/sums", whole, sha256(whole), good)).status).toBe(200);
  await expectStored("/bucket/sums", whole);
  const wrong = { "content-md5": md5(other, "base64") };
  const bad = await send("PUT", "/bucket/bad-md5", whole, UNSIGNED, wrong);
  await expectRefused(bad, "/bucket/bad-md5", "BadDigest");
  const bad256 = await send("PUT", "/bucket/bad-256", whole, sha256(other));
  await expectRefused(bad256, "/bucket/bad-256", "XAmzContentSHA256Mismatch");
});

test.each(checksumAlgorithms)(
  "%s is checked and kept, in the head or behind the body",
  async (algorithm) => {
    const whole = bodyOf(200, (2 << 20) + 5);
    const running = startChecksum(algorithm);
    running.update(whole);
    const value = running.digest();
    const name = `x-amz-checksum-${algorithm.toLowerCase()}`;
    const stored = await send("PUT", `/bucket/${name}`, whole, UNSIGNED, { [name]: value });
    expect(stored.headers.get(name)).toBe(value);
    await expectStored(`/bucket/${name}`, whole);
    const changed = Buffer.from(whole);
    changed[1_500_000] = (changed[1_500_000] ?? 0) ^ 1;
    const bad = await send("PUT", `/bucket/bad-${name}`, changed, UNSIGNED, { [name]: value });
    await expectRefused(bad, `/bucket/bad-${name}`, "BadDigest");

    const framed = (bytes: Buffer) => {
      const middle = 1_000_001;
      const chunk = (part: Buffer) => [`${part.length.toString(16)}\r\n`, part, "\r\n"];
      const parts = [...chunk(bytes.subarray(0, middle)), ...chunk(bytes.subarray(middle))];
      return Buffer.concat(
        [...parts, `0\r\n${name}:${value}\r\n\r\n`].map((part) => Buffer.from(part)),
      );
    };
    const headers = {
      "content-encoding": "aws-chunked",
      "x-amz-decoded-content-length": String(whole.length),
      "x-amz-trailer": name,
    };
    const trailed = await send("PUT", `/bucket/trailed-${name}`, framed(whole), TRAILER, headers);
    expect(trailed.headers.get(name)).toBe(value);
    await expectStored(`/bucket/trailed-${name}`, whole);
    const cut = await send("PUT", `/bucket/bad-trailed-${name}`, framed(changed), TRAILER, headers);
    await expectRefused(cut, `/bucket/bad-trailed-${name}`, "BadDigest");
  },
);
