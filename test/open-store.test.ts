/** The store as a program has it that embeds it: `import { openStore } from "quarry"`. */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { GetObjectCommand, ListBucketsCommand } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { seededRandom } from "../base/random.ts";
import { type EmbeddedStore, openStore } from "../client/open-store.ts";
import { freePort, startServer } from "./server-process.ts";

let directory = "";
let store: EmbeddedStore;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quarry-embedded-"));
  store = await openStore(directory);
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test("text, bytes and streams are stored, and come back as each of them", async () => {
  const notes = await store.bucket("notes");
  const large = seededRandom(1).bytes(5_000_000);
  const stat = await notes.put("text", "grün €", { contentType: "text/plain; charset=utf-8" });
  expect(stat).toEqual({
    ...{ key: "text", lengthBytes: 9, version: "null", metadata: {} },
    ...{ contentType: "text/plain; charset=utf-8", etag: "438ecc4396a494910f5b422af69d9f56" },
    modifiedMs: expect.closeTo(Date.now(), -5),
  });
  await notes.put("bytes", large.subarray(0, 100));
  await notes.put("node", Readable.from([large.subarray(0, 3_000_000), large.subarray(3_000_000)]));
  await notes.put("web", new Blob([new Uint8Array(large)]).stream());
  await notes.put("empty", "");
  expect(await (await notes.get("text"))?.text()).toBe("grün €");
  expect((await notes.get("bytes"))?.stat).toEqual(await notes.stat("bytes"));
  for (const key of ["node", "web"])
    expect((await (await notes.get(key))?.bytes())?.equals(large)).toBe(true);
  const node = await notes.get("node");
  const range = { start: 1_000_000, end: 4_500_000 };
  const middle = await buffer(node?.stream(range) ?? Readable.from([]));
  expect(middle.equals(large.subarray(1_000_000, 4_500_000))).toBe(true);
  expect(await node?.bytes({ start: 4_999_999, end: 6_000_000 })).toEqual(
    large.subarray(4_999_999),
  );
  expect(await node?.bytes({ start: 9_000_000 })).toHaveLength(0);
  await expect(node?.bytes({ start: 2, end: 1 })).rejects.toThrow("2 to 1 is no range of bytes");
  expect(await (await notes.get("empty"))?.bytes()).toHaveLength(0);
});

test("what is absent is undefined; what was deleted comes back when asked for", async () => {
  const notes = await store.bucket("notes");
  expect(await notes.get("a")).toBeUndefined();
  expect(await notes.stat("a")).toBeUndefined();
  await notes.delete("a");
  await notes.put("a", "first");
  const before = await notes.get("a");
  await notes.put("a", "second");
  expect(await before?.text()).toBe("first");
  await notes.delete("a");
  expect(await notes.get("a")).toBeUndefined();
  await notes.undelete("a");
  expect(await (await notes.get("a"))?.text()).toBe("second");
  await expect(notes.undelete("b")).rejects.toMatchObject({ code: "NoSuchKey" });
});

test("lists go on behind a page, and hold to their prefix", async () => {
  const notes = await store.bucket("notes");
  await notes.put("z", "");
  const names = Array.from({ length: 1003 }, (_, i) => `n/${String(i).padStart(4, "0")}`);
  for (let at = 0; at < names.length; at += 100)
    await Promise.all(names.slice(at, at + 100).map((name) => notes.put(name, name)));
  expect((await all(notes.list("n/"))).map(({ key }) => key)).toEqual(names);
  expect(await all(notes.list())).toHaveLength(1004);
});

test("buckets are made when they are asked for, by many at once, and go when they are empty", async () => {
  const made = await Promise.all(Array.from({ length: 5 }, () => store.bucket("photos")));
  await made[0]?.put("cat", "meow");
  expect(await (await made[4]?.get("cat"))?.text()).toBe("meow");
  await store.bucket("album");
  expect(await all(store.buckets())).toEqual(["album", "photos"]);
  await expect(store.removeBucket("photos")).rejects.toMatchObject({ code: "BucketNotEmpty" });
  await store.removeBucket("album");
  expect(await all(store.buckets())).toEqual(["photos"]);
  await expect(store.bucket("No")).rejects.toThrow("No cannot be a bucket");
});

test("metadata are kept, conditions hold, and what no header could say is refused", async () => {
  const notes = await store.bucket("notes");
  const metadata = { colour: "grün", "taken-by": "Ada" };
  const { etag } = await notes.put("a", "1", { metadata });
  expect((await notes.stat("a"))?.metadata).toEqual(metadata);
  const conditions = { ifNoneMatch: "*" };
  await expect(notes.put("a", "2", { conditions })).rejects.toMatchObject({
    code: "ConditionFailed",
  });
  await notes.put("a", "2", { conditions: { ifMatch: etag } });
  const refused = [{ Upper: "x" }, { "a b": "x" }, { a: "x\ny" }, { a: "\ud800" }, { "": "x" }];
  for (const wrong of refused)
    await expect(notes.put("b", "", { metadata: wrong })).rejects.toMatchObject({
      code: "InvalidArgument",
    });
  await expect(notes.put("b", "", { metadata: { a: "x".repeat(2048) } })).rejects.toThrow("2048");
  await expect(notes.put("b", [1] as never)).rejects.toThrow("content is text, bytes, or a stream");
  expect(await notes.stat("b")).toBeUndefined();
});

test("a link is one more name for the same bytes, and each name goes for itself", async () => {
  const photos = await store.bucket("photos");
  const album = await store.bucket("album");
  const content = seededRandom(2).bytes(300_000);
  const first = await photos.put("cat", content, {
    contentType: "image/png",
    metadata: { of: "cat" },
  });
  await store.link({ from: { bucket: "photos", key: "cat" }, to: { bucket: "album", key: "1" } });
  await album.copy("1", "2");
  expect(await album.stat("2")).toEqual({
    ...{ ...first, key: "2" },
    modifiedMs: expect.any(Number),
  });
  await photos.put("cat", "another one");
  await album.delete("1");
  expect((await (await album.get("2"))?.bytes())?.equals(content)).toBe(true);
  for (const [bucket, key, code] of [
    ["album", "1", "NoSuchKey"],
    ["nowhere", "1", "NoSuchBucket"],
  ] as const)
    await expect(
      store.link({ from: { bucket, key }, to: { bucket: "album", key: "3" } }),
    ).rejects.toMatchObject({ code });
  await expect(
    store.link({ from: { bucket: "album", key: "2" }, to: { bucket: "nowhere", key: "3" } }),
  ).rejects.toMatchObject({ code: "NoSuchBucket" });
});

test("a link stays what it was when its source changes while it is made", async () => {
  const notes = await store.bucket("notes");
  await notes.put("source", "0");
  const writes = Array.from({ length: 20 }, (_, i) => notes.put("source", String(i + 1)));
  const links = Array.from({ length: 20 }, (_, i) => notes.copy("source", `link-${i}`));
  await Promise.allSettled(links);
  await Promise.all(writes);
  for (let i = 0; i < links.length; i++) {
    const link = await notes.get(`link-${i}`);
    if (link === undefined) continue;
    const text = await link.text();
    expect(Number(text)).toBeLessThanOrEqual(20);
    expect(link.stat.etag).toBe(createHash("md5").update(text).digest("hex"));
  }
  expect(await all(notes.list("link-"))).not.toHaveLength(0);
});

test("a second opener is told that the store is in use", async () => {
  await expect(openStore(directory)).rejects.toMatchObject({ code: "Locked" });
});

test("what a program has stored is served to S3 clients when it has ended", async () => {
  const notes = await store.bucket("notes");
  await notes.put("a", "from a program", { metadata: { by: "me" } });
  await store[Symbol.asyncDispose]();
  {
    await using server = await startServer({ data: directory, port: await freePort() });
    const { Buckets } = await server.client.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toEqual(["notes"]);
    const { Body, Metadata } = await server.client.send(
      new GetObjectCommand({ Bucket: "notes", Key: "a" }),
    );
    expect(await Body?.transformToString()).toBe("from a program");
    expect(Metadata).toEqual({ by: "me" });
    await server.stop();
  }
  store = await openStore(directory);
  expect(await (await (await store.bucket("notes")).get("a"))?.text()).toBe("from a program");
});
