import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { limits } from "../base/limits.ts";
import { seededRandom } from "../base/random.ts";
import type { Slice } from "../rpc/objects.ts";
import { memoryStore } from "../test/memory-store.ts";
import { runToJoin } from "./splice.ts";
import type { Store } from "./store.ts";

let store: Store;
beforeAll(async () => {
  store = await memoryStore();
  await store.names.execute({ type: "createBucket", bucket: "b", owner: "me" });
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
});

const bodyOf = (...pieces: Uint8Array[]) => ({
  bytes: (async function* () {
    yield* pieces;
  })(),
});

async function readAll(key: string): Promise<Buffer> {
  const opened = await store.open({ bucket: "b", key, offset: 0 });
  const pieces: Buffer[] = [];
  for await (const piece of opened.read(0, opened.object.lengthBytes))
    pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

const slicesOf = async (key: string) =>
  (await store.names.lookup({ bucket: "b", key, offset: 0 })).pin.slices;

describe("splice", () => {
  test("appends, overwrites and cuts off what a buffer would, over many joins", async () => {
    const random = seededRandom(1);
    const below = (end: number) => random.u32() % end;
    const key = "random";
    let model = random.bytes(50_000);
    await store.put({ bucket: "b", key }, bodyOf(model), () => ({ etag: "e" }));
    for (let i = 0; i < 150; i++) {
      const added = random.bytes(below(3000));
      const keep = below(model.length + 1);
      const what = below(8);
      if (what < 5) {
        await store.splice({ bucket: "b", key }, bodyOf(added));
        model = Buffer.concat([model, added]);
      } else if (what < 7) {
        const from = keep + added.length;
        await store.splice({ bucket: "b", key, keep, from }, bodyOf(added));
        model = Buffer.concat([model.subarray(0, keep), added, model.subarray(from)]);
      } else {
        const end = Math.max(keep, model.length - 4000);
        const { lengthBytes } = await store.splice({ bucket: "b", key, keep: end });
        model = model.subarray(0, end);
        expect(lengthBytes).toBe(model.length);
      }
      if (i % 10 === 0) expect((await readAll(key)).equals(model)).toBe(true);
    }
    expect((await readAll(key)).equals(model)).toBe(true);
    expect((await slicesOf(key)).length).toBeLessThanOrEqual(limits.splicedSlices);
  });

  test("appends at the same time are all there, whole", async () => {
    const key = "log";
    await store.put({ bucket: "b", key }, bodyOf(), () => ({ etag: "e" }));
    const lines = Array.from({ length: 80 }, (_, i) => `line ${i}\n`);
    const left = [...lines];
    const append = async () => {
      for (let line = left.pop(); line !== undefined; line = left.pop())
        await store.splice({ bucket: "b", key }, bodyOf(Buffer.from(line)));
    };
    await Promise.all(Array.from({ length: 8 }, append));
    const found = (await readAll(key)).toString().trimEnd().split("\n");
    expect(found.sort()).toEqual(lines.map((line) => line.trimEnd()).sort());
  });

  test("what is read while it changes is what it was when it was opened", async () => {
    const key = "read";
    const first = seededRandom(2).bytes(3_000_000);
    await store.put({ bucket: "b", key }, bodyOf(first), () => ({ etag: "e" }));
    const opened = await store.open({ bucket: "b", key, offset: 0 });
    for (let i = 0; i < 40; i++)
      await store.splice({ bucket: "b", key, keep: 10, from: 20 }, bodyOf(Buffer.from("x")));
    const pieces: Buffer[] = [];
    for await (const piece of opened.read(0, opened.object.lengthBytes))
      pieces.push(Buffer.from(piece));
    expect(Buffer.concat(pieces).equals(first)).toBe(true);
  });

  test("a name that is not there is told", async () => {
    await expect(store.splice({ bucket: "b", key: "none" }, bodyOf())).rejects.toMatchObject({
      code: "NoSuchKey",
    });
  });
});

describe("the run that is joined", () => {
  const slices = (lengths: readonly number[]) =>
    lengths.map((lengthBytes, i) => ({ blob: i, offset: 0, lengthBytes }) as unknown as Slice);
  const many = (count: number, length: number) => Array.from({ length: count }, () => length);

  test("is long and cheap", () => {
    const { keep, from, joins } = runToJoin(slices([1000, ...many(20, 5), 900]));
    expect([keep, from, joins.length]).toEqual([1000, 1100, 20]);
  });

  test("is shorter when one blob could not hold it, and none when nothing fits", () => {
    const quarters = slices(many(32, limits.putBytes / 4));
    expect(runToJoin(quarters).joins.length).toBe(4);
    expect(() => runToJoin(slices(many(32, limits.putBytes)))).toThrow("store it anew");
  });

  test("of sizes that double is the cheapest", () => {
    const doubling = Array.from({ length: 20 }, (_, i) => 2 ** (30 - i));
    expect(runToJoin(slices(doubling)).joins.map(({ lengthBytes }) => lengthBytes)).toEqual([
      2 ** 12,
      2 ** 11,
    ]);
  });

  test("makes what is appended to be moved a logarithmic number of times", () => {
    let lengths: number[] = [];
    let moved = 0;
    let joinings = 0;
    const appends = 20_000;
    for (let i = 0; i < appends; i++) {
      if (lengths.length === limits.splicedSlices) {
        const { joins, keep, from } = runToJoin(slices(lengths));
        let first = 0;
        for (let at = 0; at < keep; first++) at += lengths[first] ?? 0;
        moved += from - keep;
        joinings++;
        lengths = [...lengths.slice(0, first), from - keep, ...lengths.slice(first + joins.length)];
      }
      lengths.push(1);
    }
    expect(moved / appends).toBeLessThan(Math.log2(appends));
    expect(joinings / appends).toBeLessThan(0.1);
  });
});
