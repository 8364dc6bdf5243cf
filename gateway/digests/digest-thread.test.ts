import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { assert } from "../../base/errors.ts";
import { seededRandom } from "../../base/random.ts";
import { type BodyDigests, DigestThread } from "./digest-thread.ts";

const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");

function begin(thread: DigestThread): BodyDigests {
  const body = thread.begin({ sha256: true, checksum: "CRC32C" });
  assert(body !== undefined, "this engine has vectors");
  return body;
}

function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

test("many bodies at once; a chunk that was seen may change", async () => {
  await using thread = new DigestThread();
  const random = seededRandom(8);
  const sendOne = async () => {
    const whole = random.bytes(1_000_000 + (random.u32() % 100_000));
    const body = begin(thread);
    for (let at = 0; at < whole.length; at += 333_333) {
      const chunk = shared(whole.subarray(at, at + 333_333));
      await body.see(chunk);
      chunk.fill(0);
    }
    const digests = await body.end();
    body.close();
    expect(digests.md5Hex).toBe(md5(whole));
    expect(digests.sha256Hex).toBe(createHash("sha256").update(whole).digest("hex"));
  };
  await Promise.all(Array.from({ length: 20 }, sendOne));
});

test("an empty body has the digest of nothing", async () => {
  await using thread = new DigestThread();
  const body = begin(thread);
  expect((await body.end()).md5Hex).toBe(md5(Buffer.alloc(0)));
});

test("a body that is given up lets go of its chunks, and the next ones go on", async () => {
  await using thread = new DigestThread();
  const given = begin(thread);
  const seen = [given.see(shared(Buffer.alloc(9 << 20))), given.see(shared(Buffer.alloc(9 << 20)))];
  given.close();
  await Promise.all(seen);
  const next = begin(thread);
  await next.see(shared(Buffer.from("next")));
  expect((await next.end()).md5Hex).toBe(md5(Buffer.from("next")));
});

test("a thread that breaks down refuses what is under way; the next body starts another", async () => {
  await using thread = new DigestThread();
  const broken = begin(thread);
  // Not bytes: the thread cannot hash it.
  const seen = broken.see("rubbish" as unknown as Uint8Array);
  await expect(broken.end()).rejects.toMatchObject({ code: "Unavailable" });
  await seen;
  await broken.see(shared(Buffer.from("late"))); // nobody looks at it
  broken.close();
  const next = begin(thread);
  await next.see(shared(Buffer.from("next")));
  expect((await next.end()).md5Hex).toBe(md5(Buffer.from("next")));
});

test("when the gateway stops, who waits is told", async () => {
  const thread = new DigestThread();
  const body = begin(thread);
  const seen = body.see(shared(Buffer.alloc(1 << 20)));
  const refused = expect(body.end()).rejects.toMatchObject({ code: "Closed" });
  await thread[Symbol.asyncDispose]();
  await Promise.all([seen, refused]);
});
