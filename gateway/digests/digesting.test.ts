import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { limits } from "../../base/limits.ts";
import { Md5Lanes } from "../../base/md5/lanes.ts";
import { seededRandom } from "../../base/random.ts";
import { checksumAlgorithms, startChecksum } from "../checksums.ts";
import type { DigestReply } from "./digest-messages.ts";
import { Digesting } from "./digesting.ts";

const KiB = 1024;
const hex = (algorithm: string, bytes: Uint8Array) =>
  createHash(algorithm).update(bytes).digest("hex");

function start() {
  const replies: DigestReply[] = [];
  const digesting = new Digesting(Md5Lanes.open(), (more) => replies.push(...more));
  const seen = (body: number) =>
    replies.filter((reply) => reply.kind === "seen" && reply.body === body).length;
  return { replies, digesting, seen };
}

test("bodies that come and go in any order get the digests of their bytes, each chunk is seen once", () => {
  const { replies, digesting, seen } = start();
  const random = seededRandom(11);
  const below = (n: number) => random.u32() % n;
  const wholes = Array.from({ length: 60 }, () => random.bytes(below(300 * KiB)));
  const chunks = new Map<number, number>();
  const at = wholes.map(() => 0);
  const left = new Set(wholes.keys());
  const dropped = new Set<number>();
  let nowMs = 0;
  while (left.size > 0) {
    nowMs += below(3);
    const body = [...left][below(Math.min(left.size, 12))] ?? 0;
    const whole = wholes[body] ?? Buffer.alloc(0);
    const algorithm = checksumAlgorithms[body % 6];
    const wishes = { sha256: body % 2 === 0, ...(algorithm && { checksum: algorithm }) };
    if (at[body] === 0 && !chunks.has(body)) digesting.take({ kind: "begin", body, wishes }, nowMs);
    const bytes = whole.subarray(at[body], (at[body] ?? 0) + 1 + below(100 * KiB));
    if (bytes.length === 0) {
      digesting.take({ kind: "end", body }, nowMs);
      left.delete(body);
    } else if (below(40) === 0) {
      digesting.take({ kind: "drop", body }, nowMs);
      dropped.add(body);
      left.delete(body);
    } else {
      digesting.take({ kind: "chunk", body, bytes }, nowMs);
      chunks.set(body, (chunks.get(body) ?? 0) + 1);
      at[body] = (at[body] ?? 0) + bytes.length;
    }
    if (below(3) === 0) while (digesting.step(nowMs));
  }
  while (digesting.dueMs < Infinity) digesting.step(Infinity);
  for (const [body, whole] of wholes.entries()) {
    expect(seen(body)).toBe(chunks.get(body) ?? 0);
    const answers = replies.filter((reply) => reply.kind === "digests" && reply.body === body);
    if (dropped.has(body)) {
      expect(answers).toEqual([]);
      continue;
    }
    const algorithm = checksumAlgorithms[body % 6];
    const running = algorithm && startChecksum(algorithm);
    running?.update(whole);
    const digests = {
      md5Hex: hex("md5", whole),
      sha256Hex: body % 2 === 0 ? hex("sha256", whole) : undefined,
      checksum: running?.digest(),
    };
    expect(answers).toEqual([{ kind: "digests", body, digests }]);
  }
});

test("one body alone does not wait; one of several waits for others, but not for long, and not at its end", () => {
  const { digesting, seen } = start();
  const bytes = Buffer.alloc(KiB);
  const begin = (body: number) =>
    digesting.take({ kind: "begin", body, wishes: { sha256: false } }, 0);
  begin(1);
  digesting.take({ kind: "chunk", body: 1, bytes }, 0);
  expect(digesting.step(0)).toBe(true);
  for (const body of [2, 3, 4]) begin(body);
  digesting.take({ kind: "chunk", body: 1, bytes }, 0);
  expect(digesting.step(0)).toBe(false);
  expect(digesting.dueMs).toBe(limits.digestWaitMs);
  expect(digesting.step(limits.digestWaitMs)).toBe(true);
  expect(seen(1)).toBe(2);
  digesting.take({ kind: "chunk", body: 2, bytes }, 20);
  expect(digesting.step(20)).toBe(false);
  digesting.take({ kind: "end", body: 2 }, 20);
  expect(digesting.step(20)).toBe(true);
  for (const body of [1, 3, 4]) digesting.take({ kind: "chunk", body, bytes }, 30);
  expect(digesting.step(30)).toBe(true); // as many as are under way
  expect(digesting.dueMs).toBe(Infinity);
});
