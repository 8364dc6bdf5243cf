/** The whole store in one process, on a real folder: what an embedding program sees. */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { seededRandom } from "../base/random.ts";
import { openClient } from "../client/open-servers.ts";
import type { Store } from "../client/store.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quarry-store-"));
});
afterEach(() => rm(directory, { recursive: true }));

const etagOf = (content: Uint8Array) => createHash("md5").update(content).digest("hex");

async function* views(content: Uint8Array, step = 50_000) {
  for (let at = 0; at < content.length; at += step) yield content.subarray(at, at + step);
}

async function put(store: Store, key: string, content: Buffer): Promise<void> {
  await store.put(
    { bucket: "b", key },
    { bytes: views(content), lengthBytes: content.length },
    () => ({ etag: etagOf(content) }),
  );
}

async function get(store: Store, key: string, offset = 0, lengthBytes?: number): Promise<Buffer> {
  const opened = await store.open({ bucket: "b", key, offset });
  const parts: Buffer[] = [];
  const wanted = lengthBytes ?? opened.object.lengthBytes - offset;
  for await (const view of opened.read(offset, wanted)) parts.push(Buffer.from(view));
  return Buffer.concat(parts);
}

const makeBucket = (store: Store) =>
  store.names.execute({ type: "createBucket", bucket: "b", owner: "me" });

test("bytes of every size come back, also after the store was closed and opened", async () => {
  const random = seededRandom(3);
  const sizes = [0, 1, 4096, 65_535, 65_536, 65_537, 4_194_304, 4_194_305, 9_000_000];
  const contents = sizes.map((size) => random.bytes(Math.min(size, 1000)).subarray(0, size));
  const whole = sizes.map((size, i) => Buffer.alloc(size, contents[i]?.length ? contents[i] : "x"));
  {
    await using store = await openClient(directory);
    await makeBucket(store);
    for (const [i, content] of whole.entries()) await put(store, `size-${i}`, content);
    for (const [i, content] of whole.entries())
      expect((await get(store, `size-${i}`)).equals(content)).toBe(true);
  }
  await using store = await openClient(directory);
  for (const [i, content] of whole.entries())
    expect((await get(store, `size-${i}`)).equals(content)).toBe(true);
});

test("ranges give exactly what was asked, across spans, windows and chunks", async () => {
  await using store = await openClient(directory);
  await makeBucket(store);
  const content = Buffer.alloc(9_500_000);
  for (let i = 0; i < content.length; i += 4) content.writeUInt32LE(i, i);
  await put(store, "ranged", content);
  const random = seededRandom(5);
  for (let i = 0; i < 60; i++) {
    const offset = random.u32() % content.length;
    const lengthBytes = Math.min(content.length - offset, 1 + (random.u32() % 3_000_000));
    const found = await get(store, "ranged", offset, lengthBytes);
    expect(found.equals(content.subarray(offset, offset + lengthBytes))).toBe(true);
  }
});

test("what stands in one short piece is given at once, and nothing else", async () => {
  await using store = await openClient(directory);
  await makeBucket(store);
  const content = Buffer.alloc(4_300_000);
  for (let i = 0; i < content.length; i += 4) content.writeUInt32LE(i, i);
  await put(store, "k", content);
  await put(store, "empty", Buffer.alloc(0));
  await get(store, "k", 0, 1);
  const random = seededRandom(7);
  const atOnce = async (at: number, offset: number, lengthBytes: number) => {
    const opened = await store.open({ bucket: "b", key: "k", offset: at });
    return await opened.readShort(offset, lengthBytes);
  };
  for (let i = 0; i < 60; i++) {
    const lengthBytes = 1 + (random.u32() % 131_072);
    const offset = random.u32() % (4_194_304 - lengthBytes);
    const found = await atOnce(offset, offset, lengthBytes);
    expect(found).toEqual(content.subarray(offset, offset + lengthBytes));
  }
  // Longer, over the end of a chunk, of no run, before the run.
  expect(await atOnce(0, 0, 131_073)).toBeUndefined();
  expect(await atOnce(4_194_000, 4_194_000, 1000)).toBeUndefined();
  expect(await atOnce(4_194_304, 0, 1000)).toBeUndefined();
  const told = await store.open({ bucket: "b", key: "k" });
  expect(told.readShort(0, 1000)).toBeUndefined();
  const empty = await store.open({ bucket: "b", key: "empty", offset: 0 });
  expect(empty.readShort(0, 0)).toBeUndefined();
});

test("an overwrite does not disturb a reader of the old content (INV-3)", async () => {
  await using store = await openClient(directory);
  await makeBucket(store);
  const old = Buffer.alloc(6_000_000, "old");
  await put(store, "k", old);
  const opened = await store.open({ bucket: "b", key: "k", offset: 0 });
  const reading = opened.read(0, old.length)[Symbol.asyncIterator]();
  const parts: Buffer[] = [];
  const take = async () => {
    const next = await reading.next();
    if (next.done !== true) parts.push(Buffer.from(next.value));
    return next.done !== true;
  };
  await take();
  await put(store, "k", Buffer.from("new"));
  while (await take());
  expect(Buffer.concat(parts).equals(old)).toBe(true);
  expect((await get(store, "k")).toString()).toBe("new");
});

test("a body that throws, or a digest that does not match, stores nothing", async () => {
  await using store = await openClient(directory);
  await makeBucket(store);
  async function* breaking() {
    yield Buffer.alloc(5_000_000);
    throw new Error("the client is gone");
  }
  const attempt = store.put({ bucket: "b", key: "k" }, { bytes: breaking() }, () => ({ etag: "" }));
  await expect(attempt).rejects.toThrow("the client is gone");
  const refused = store.put(
    { bucket: "b", key: "k" },
    { bytes: views(Buffer.alloc(10)), lengthBytes: 10 },
    () => {
      throw new Error("bad digest");
    },
  );
  await expect(refused).rejects.toThrow("bad digest");
  await expect(store.open({ bucket: "b", key: "k" })).rejects.toMatchObject({ code: "NoSuchKey" });
});

test("what was deleted can be brought back", async () => {
  await using store = await openClient(directory);
  await makeBucket(store);
  await put(store, "k", Buffer.from("precious"));
  await store.names.execute({ type: "deleteObject", bucket: "b", key: "k" });
  await expect(store.open({ bucket: "b", key: "k" })).rejects.toMatchObject({ code: "NoSuchKey" });
  await store.names.execute({ type: "undelete", bucket: "b", key: "k" });
  expect((await get(store, "k")).toString()).toBe("precious");
});

test("a second opener is kept out and told why", async () => {
  await using _store = await openClient(directory);
  await expect(openClient(directory)).rejects.toMatchObject({ code: "Locked" });
});

test("a store goes on when a data directory was taken away", async () => {
  const both = [join(directory, "one"), join(directory, "two")];
  const content = Buffer.alloc(10_000, "x");
  {
    await using store = await openClient({ directories: both });
    await makeBucket(store);
    await put(store, "before", content);
  }
  for (const kept of [both.slice(0, 1), [...both.slice(0, 1), join(directory, "new")]]) {
    await using store = await openClient({ directories: kept });
    for (let i = 0; i < 4; i++) await put(store, `after-${i}`, content);
    await put(store, "large", Buffer.alloc(9_000_000, "y"));
    expect((await get(store, "after-3")).equals(content)).toBe(true);
  }
});
