import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { seededRandom } from "../base/random.ts";
import { Codec } from "./codec.ts";
import { CodecMemory } from "./memory.ts";
import { WorkerPool } from "./pool.ts";
import { schemeOf } from "./scheme.ts";

const MiB = 1024 * 1024;

async function encodeBoth(workers: number): Promise<void> {
  const memory = new CodecMemory();
  await using pool = new WorkerPool(memory, workers);
  const alone = new Codec(schemeOf(10, 4), memory);
  const pooled = new Codec(schemeOf(10, 4), memory, pool);
  using expected = alone.pieces(MiB - 31);
  const sets = [1, 2, 3].map(() => pooled.pieces(MiB - 31));
  const random = seededRandom(workers);
  for (let i = 0; i < 10; i++) {
    expected.at(i).set(random.bytes(MiB - 31));
    for (const set of sets) set.at(i).set(expected.at(i));
  }
  await alone.encode(expected);
  await Promise.all(sets.map((set) => pooled.encode(set)));
  for (const set of sets) {
    for (let i = 10; i < 14; i++) expect(set.at(i).equals(expected.at(i))).toBe(true);
    expect(await pooled.verify(set)).toEqual([]);
    for (const i of [0, 3, 9, 12]) set.at(i).fill(0);
    await pooled.reconstruct(set, [0, 3, 9, 12]);
    for (let i = 0; i < 14; i++) expect(set.at(i).equals(expected.at(i))).toBe(true);
    set[Symbol.dispose]();
  }
}

test("one worker gives the bytes of the calling thread", () => encodeBoth(1));

test("several workers share the columns without a seam", () =>
  encodeBoth(Math.min(3, availableParallelism() + 1)));

test("a pool that closes ends what runs and refuses what waits", async () => {
  const memory = new CodecMemory();
  const pool = new WorkerPool(memory, 1);
  const codec = new Codec(schemeOf(4, 2), memory, pool);
  using first = codec.pieces(MiB);
  using second = codec.pieces(MiB);
  const running = codec.encode(first);
  const waiting = codec.encode(second);
  const refused = expect(waiting).rejects.toMatchObject({ code: "Closed" });
  await Promise.resolve();
  await pool.close();
  await running;
  await refused;
  expect(await new Codec(schemeOf(4, 2), memory).verify(first)).toEqual([]);
  await expect(codec.encode(first)).rejects.toMatchObject({ code: "Closed" });
});

test("a worker that breaks down fails the job when all shares have ended, and all jobs after it", async () => {
  const memory = new CodecMemory();
  await using pool = new WorkerPool(memory, 2);
  const beyond = memory.shared.buffer.byteLength;
  const product = {
    ...{ tables: beyond, inputs: beyond, inputCount: 1, outputs: beyond, outputCount: 1 },
    ...{ from: 0, to: 256, add: false },
  };
  const broken = { code: "Unavailable", message: expect.stringContaining("worker broke down") };
  const first = expect(pool.multiply(product)).rejects.toMatchObject(broken);
  const second = expect(pool.multiply(product)).rejects.toMatchObject(broken);
  await Promise.all([first, second]);
  await expect(pool.multiply(product)).rejects.toMatchObject(broken);
});

test("a pool without workers is refused", () => {
  expect(() => new WorkerPool(new CodecMemory(), 0)).toThrow("a pool of 0 workers cannot be");
});
