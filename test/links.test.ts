/** One blob under names of several faces: links between them move no bytes, and each name goes for itself. */
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import { crc32 } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { seededRandom } from "../base/random.ts";
import type { Bucket } from "../client/embedded/bucket.ts";
import { parseKey } from "../client/fastdfs/file-id.ts";
import { type EmbeddedStore, openStore } from "../client/open-store.ts";

let directory = "";
let store: EmbeddedStore;
let objects: Bucket;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quarry-links-"));
  store = await openStore(directory);
  objects = await store.bucket("objects");
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const content = seededRandom(1).bytes(5_000_000);
const isContent = (bytes: Buffer | undefined) => expect(bytes?.equals(content)).toBe(true);

/** Of all block files, which grow a MiB at a time. */
async function storedBytes(): Promise<number> {
  const device = join(directory, "device");
  const blocks = (await readdir(device)).filter((name) => name.endsWith(".block"));
  const sizes = await Promise.all(
    blocks.map(async (name) => (await stat(join(device, name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

test("an object becomes a stream, that an object, that a file with a fid; the first ones go", async () => {
  const streams = store.streams("streams");
  const files = await store.files("files");
  await finished(streams.openUploadStream("other").end("makes the bucket"));
  await objects.put("cat", content, { contentType: "image/png", metadata: { of: "cat" } });
  const before = await storedBytes();
  const { id } = await store.link({
    from: { bucket: "objects", key: "cat" },
    to: { bucket: "streams", filename: "cat.png", metadata: { taken: new Date(5) } },
  });
  const back = { bucket: "objects", key: "cat again" };
  await store.link({ from: { bucket: "streams", filename: "cat.png" }, to: back });
  const { fid = "" } = await store.link({
    from: { bucket: "streams", id },
    to: { bucket: "files", suffix: ".png" },
  });
  const { id: second } = await store.link({
    from: { bucket: "files", fid },
    to: { bucket: "streams", filename: "from a fid" },
  });
  expect((await storedBytes()) - before).toBeLessThan(content.length);
  const [file] = await streams.find({ filename: "cat.png" }).toArray();
  expect(file).toMatchObject({
    ...{ _id: id, length: content.length, contentType: "image/png" },
    metadata: { taken: new Date(5) },
  });
  expect((await objects.stat("cat again"))?.metadata).toEqual({ of: "cat" });
  await objects.delete("cat");
  isContent(await buffer(streams.openDownloadStream(id)));
  await streams.delete(id);
  isContent(await (await files.fetch(fid))?.bytes());
  isContent(await (await objects.get("cat again"))?.bytes());
  await files.remove(fid);
  expect(await files.fetch(fid)).toBeUndefined();
  await objects.delete("cat again");
  isContent(await buffer(streams.openDownloadStream(second)));
});

test("a link to a stream is a new file, and to a key the key's new content", async () => {
  const streams = store.streams("streams");
  for (const text of ["old", "new"]) await finished(streams.openUploadStream("a").end(text));
  await store.link({
    from: { bucket: "streams", filename: "a", revision: 0 },
    to: { bucket: "objects", key: "a" },
  });
  expect(await (await objects.get("a"))?.text()).toBe("old");
  await objects.put("b", "third");
  const to = { bucket: "streams", filename: "a", id: 7 };
  await store.link({ from: { bucket: "objects", key: "b" }, to });
  expect((await buffer(streams.openDownloadStreamByName("a"))).toString()).toBe("third");
  await expect(store.link({ from: { bucket: "objects", key: "a" }, to })).rejects.toMatchObject({
    code: "ConditionFailed",
  });
  await expect(
    store.link({ from: { bucket: "streams", filename: "none" }, to }),
  ).rejects.toMatchObject({ code: "ENOENT" });
});

test("a link to a FastDFS group has an id that tells what it holds, and is appended to no other name", async () => {
  await store.bucket("group1");
  await objects.put("cat", content);
  const from = { bucket: "objects", key: "cat" };
  const { key } = await store.link({ from, to: { bucket: "group1", extension: "png" } });
  expect(parseKey(key)).toMatchObject({
    ...{ size: { kind: "normal", lengthBytes: content.length }, crc32: crc32(content) },
    ...{ source: "127.0.0.1", slave: false },
  });
  expect(key.endsWith(".png")).toBe(true);
  const again = { bucket: "group1", extension: "", source: "10.1.2.3" };
  const second = await store.link({ from: { bucket: "group1", key }, to: again });
  expect(parseKey(second.key)).toMatchObject({ source: "10.1.2.3", crc32: crc32(content) });
  async function* more() {
    yield Buffer.from("more");
  }
  await store.client.splice({ bucket: "group1", key }, { bytes: more() });
  isContent(await (await objects.get("cat"))?.bytes());
  await objects.delete("cat");
  const group = await store.bucket("group1");
  expect((await group.stat(key))?.lengthBytes).toBe(content.length + 4);
  await group.delete(key);
  isContent(await (await group.get(second.key))?.bytes());
});

test("an object that was a stream is none under another key", async () => {
  const streams = store.streams("objects");
  const upload = streams.openUploadStreamWithId("mine", "name");
  await finished(upload.end("text"));
  await objects.copy("mine", "copy");
  expect(await streams.find().toArray()).toHaveLength(1);
  expect(await (await objects.get("copy"))?.text()).toBe("text");
});

test("rights and holds are of the name that has them", async () => {
  const { client } = store;
  const acl = [{ grantee: { type: "group", group: "AllUsers" }, permission: "READ" }] as const;
  const retention = { mode: "GOVERNANCE", untilMs: 1 } as const;
  async function* bytes() {
    yield Buffer.from("public");
  }
  await client.put({ bucket: "objects", key: "public" }, { bytes: bytes() }, () => ({
    ...{ etag: "e", owner: "somebody", acl, retention, legalHold: true, tags: { a: "b" } },
  }));
  await finished(store.streams("streams").openUploadStream("x").end("x"));
  await store.files("files");
  const from = { bucket: "objects", key: "public" };
  for (const to of [
    { bucket: "objects", key: "linked" },
    { bucket: "streams", filename: "linked" },
    { bucket: "files", suffix: "" },
  ]) {
    const { bucket, key } = await store.link({ from, to });
    const { object } = await client.names.lookup({ bucket, key });
    const { owner, acl: rights, retention: until, legalHold, tags } = object.attributes;
    expect({ owner, rights, until, legalHold, tags }).toEqual({ tags: { a: "b" } });
  }
});

test("what cannot be linked says why", async () => {
  const files = await store.files("files");
  const small = await files.store("small");
  expect(await (await files.fetch(small))?.text()).toBe("small");
  const to = { bucket: "objects", key: "a" };
  await expect(store.link({ from: { bucket: "files", fid: small }, to })).rejects.toThrow(
    "is no linked fid",
  );
  const large = await files.store("large", { large: true, suffix: ".txt" });
  await store.link({ from: { bucket: "files", fid: large }, to });
  expect(await (await objects.get("a"))?.text()).toBe("large");
  await files.hide(large);
  expect(await files.fetch(large)).toBeUndefined();
  expect((await files.stat(large))?.isHidden).toBe(true);
  await files.reveal(large);
  await files.remove(large);
  await files.remove(large);
  expect(await files.stat(large)).toBeUndefined();
  expect(await (await objects.get("a"))?.text()).toBe("large");
  await store.client.names.execute({
    ...{ type: "configureBucket", bucket: "objects", change: { versioning: "enabled" } },
  });
  await objects.delete("a");
  const from = { bucket: "objects", key: "a" };
  for (const other of [
    { bucket: "objects", key: "b" },
    { bucket: "files", suffix: "" },
  ])
    await expect(store.link({ from, to: other })).rejects.toMatchObject({ code: "NoSuchKey" });
});
