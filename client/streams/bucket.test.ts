/** The bucket as users of MongoDB's driver know it: uploads, downloads, revisions, cursors, errors. */
import { once } from "node:events";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { memoryStore } from "../../test/memory-store.ts";
import type { Store } from "../store.ts";
import { GridFSBucket } from "./bucket.ts";
import type { GridFSFile } from "./file.ts";
import { ObjectId } from "./object-id.ts";
import type { GridFSBucketWriteStreamOptions } from "./upload-stream.ts";

let store: Store;
let bucket: GridFSBucket;
let number = 0;
beforeAll(async () => {
  store = await memoryStore();
});
afterAll(() => store[Symbol.asyncDispose]());
beforeEach(() => {
  bucket = new GridFSBucket(store, { bucketName: `bucket_${++number}`, chunkSizeBytes: 1024 });
});

async function put(
  filename: string,
  content: string | Buffer,
  options?: GridFSBucketWriteStreamOptions,
): Promise<GridFSFile> {
  const upload = bucket.openUploadStream(filename, options);
  upload.end(content);
  await once(upload, "finish");
  if (upload.gridFSFile === null) throw new Error("a finished upload has its file");
  return upload.gridFSFile;
}

const textOf = async (stream: Readable) => (await buffer(stream)).toString();
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

const large = Buffer.alloc(300_000);
for (let i = 0; i < large.length; i += 4) large.writeUInt32LE(i, i);

describe("an upload", () => {
  test("is there when it finishes, and tells its file", async () => {
    const before = Date.now() - 1000;
    const upload = bucket.openUploadStream("a.bin", {
      metadata: { by: "me", at: new Date(5), deep: { ids: [new ObjectId()], n: 2n ** 60n } },
      contentType: "text/x",
    });
    const heard: string[] = [];
    for (const event of ["finish", "close"]) upload.on(event, () => heard.push(event));
    bucket.on(GridFSBucket.INDEX, () => heard.push("index"));
    expect(upload.gridFSFile).toBeNull();
    await pipeline(Readable.from([large.subarray(0, 7), large.subarray(7)]), upload);
    expect(heard).toEqual(["index", "finish", "close"]);
    const file = upload.gridFSFile;
    expect(file).toMatchObject({ length: 300_000, chunkSize: 1024, filename: "a.bin" });
    expect(file?.uploadDate.getTime()).toBeGreaterThan(before);
    expect(await bucket.find({ _id: upload.id }).toArray()).toEqual([file]);
    expect(file?.metadata).toMatchObject({ at: new Date(5), deep: { n: 2n ** 60n } });
    expect((await buffer(bucket.openDownloadStream(upload.id))).equals(large)).toBe(true);
  });

  test("is cut into chunks as it was asked to be, 4 MiB at most", async () => {
    const { _id: id } = await put("a", large, { chunkSizeBytes: 100_000 });
    const { pin } = await store.names.lookup({ bucket: bucket.bucketName, key: String(id) });
    const { chunks } = await store.names.chunks(pin, 0);
    expect(chunks.map(({ lengthBytes }) => lengthBytes)).toEqual([100_000, 100_000, 100_000]);
    const huge = bucket.openUploadStream("b", { chunkSizeBytes: 2 ** 30 });
    expect(huge.chunkSizeBytes).toBe(4 * 2 ** 20);
    huge.destroy();
    expect(new GridFSBucket(store).chunkSizeBytes).toBe(4 * 2 ** 20);
  });

  test("with an id that is there already is refused as MongoDB does", async () => {
    for (const id of ["name", 7, new Date(3), Buffer.from([1]), { a: 1 }, new ObjectId(), true]) {
      const write = async (content: string) => {
        const upload = bucket.openUploadStreamWithId(id, "f");
        upload.end(content);
        await once(upload, "finish");
      };
      await write("first");
      expect(await failure(write("again"))).toMatchObject({
        name: "MongoServerError",
        code: 11_000,
      });
      expect(await textOf(bucket.openDownloadStream(id))).toBe("first");
      const [file] = await bucket.find({ _id: id }).toArray();
      expect(file?._id).toEqual(id);
    }
  });

  test("that is aborted leaves nothing, and cannot be aborted or written again", async () => {
    const upload = bucket.openUploadStream("a");
    upload.write(large);
    await upload.abort();
    expect(await failure(upload.abort())).toMatchObject({
      name: "MongoAPIError",
      message: "Cannot call abort() on a stream twice",
    });
    const failed = once(upload, "error");
    upload.write("more");
    expect((await failed)[0]).toMatchObject({ message: "Stream has been aborted" });
    expect(await bucket.find().toArray()).toEqual([]);
    const done = bucket.openUploadStream("b");
    done.end("x");
    await once(done, "finish");
    expect(await failure(done.abort())).toMatchObject({
      message: "Cannot abort a stream that has already completed",
    });
  });

  test("whose source fails, or that is destroyed, stores nothing", async () => {
    async function* failing() {
      yield large;
      throw new Error("the source is gone");
    }
    const upload = bucket.openUploadStream("a");
    expect(await failure(pipeline(failing, upload))).toMatchObject({
      message: "the source is gone",
    });
    const destroyed = bucket.openUploadStream("a");
    destroyed.write(large);
    destroyed.destroy();
    await once(destroyed, "close");
    expect(await bucket.find().toArray()).toEqual([]);
  });

  test("takes no more than it can store: writes wait", async () => {
    const upload = bucket.openUploadStream("a");
    let written = 0;
    while (upload.write(large.subarray(0, 8192))) written++;
    expect(written).toBeLessThan(20);
    await once(upload, "drain");
    upload.end();
    await once(upload, "finish");
    expect(upload.gridFSFile?.length).toBe((written + 1) * 8192);
  });

  test("with what cannot be kept is refused", async () => {
    for (const metadata of [{ $a: 1 }, { a: () => 1 }, { a: /x/ }, { a: new Date(Number.NaN) }])
      expect(() => bucket.openUploadStream("a", { metadata })).toThrow(
        expect.objectContaining({ name: "MongoInvalidArgumentError" }),
      );
    expect(() => new GridFSBucket(store, { bucketName: "a/b" })).toThrow("cannot be a bucket");
    expect(await failure(put("a", "x", { metadata: { a: "x".repeat(70_000) } }))).toMatchObject({
      code: "TooLarge",
    });
  });
});

describe("a download", () => {
  test("of a range gives just that, and the file before it", async () => {
    const { _id: id } = await put("a", large);
    for (const [start, end] of [
      [0, 1],
      [1023, 1025],
      [0, 300_000],
      [299_999, 300_000],
      [5, 5],
    ]) {
      const read = bucket.openDownloadStream(id, { start: start as number, end: end as number });
      let file: GridFSFile | undefined;
      read.on("file", (found: GridFSFile) => {
        file = found;
      });
      expect((await buffer(read)).equals(large.subarray(start, end))).toBe(true);
      expect(file?.filename).toBe("a");
    }
    const set = bucket.openDownloadStream(id).start(10).end(20);
    expect((await buffer(set)).equals(large.subarray(10, 20))).toBe(true);
    const from = bucket.openDownloadStream(id, { start: 299_990 });
    expect((await buffer(from)).equals(large.subarray(299_990))).toBe(true);
    expect(() => from.start(1)).toThrow("Options cannot be changed after the stream");
  });

  test("of a range that is none is refused as the driver does", async () => {
    const { _id: id } = await put("a", "0123456789");
    const refusals: [object, string][] = [
      [{ start: 11 }, "Stream start (11) must not be more than the length of the file (10)"],
      [{ start: -1 }, "Stream start (-1) must not be negative"],
      [{ start: 5, end: 4 }, "Stream start (5) must not be greater than stream end (4)"],
      [{ end: 11 }, "Stream end (11) must not be more than the length of the file (10)"],
    ];
    for (const [range, message] of refusals)
      expect(await failure(buffer(bucket.openDownloadStream(id, range)))).toMatchObject({
        name: "MongoInvalidArgumentError",
        message,
      });
  });

  test("of what is not there fails with ENOENT", async () => {
    const missing = { name: "MongoRuntimeError", code: "ENOENT" };
    const id = new ObjectId();
    expect(await failure(buffer(bucket.openDownloadStream(id)))).toMatchObject(missing);
    await put("a", "x");
    expect(await failure(buffer(bucket.openDownloadStream(id)))).toMatchObject({
      ...missing,
      message: `FileNotFound: file ${id} was not found`,
    });
    expect(await failure(buffer(bucket.openDownloadStreamByName("b")))).toMatchObject(missing);
    const late = bucket.openDownloadStreamByName("a", { revision: 1 });
    expect(await failure(buffer(late))).toMatchObject(missing);
    for (const change of [bucket.delete(id), bucket.rename(id, "c"), bucket.deleteByName("b")])
      expect(await failure(change)).toMatchObject(missing);
    expect(await failure(bucket.renameByName("b", "c"))).toMatchObject(missing);
    // An object that is no stream is no file.
    await store.put({ bucket: bucket.bucketName, key: "s3" }, { bytes: Readable.from([]) }, () => ({
      etag: "",
    }));
    expect(await failure(buffer(bucket.openDownloadStream("s3")))).toMatchObject(missing);
    expect(await bucket.find().toArray()).toHaveLength(1);
  });

  test("that is ended early ends quietly", async () => {
    const { _id: id } = await put("a", large);
    const read = bucket.openDownloadStream(id);
    await once(read, "readable");
    await read.abort();
    await once(read, "close");
    expect(read.destroyed).toBe(true);
    for await (const _ of bucket.openDownloadStream(id)) break;
  });
});

describe("revisions of a filename", () => {
  test("are counted from both ends, also when one was renamed or deleted", async () => {
    const ids: unknown[] = [];
    for (let i = 0; i < 30; i++) ids.push((await put("a", String(i)))._id);
    const at = (revision?: number) =>
      textOf(bucket.openDownloadStreamByName("a", revision === undefined ? {} : { revision }));
    expect(await Promise.all([at(), at(-1), at(-2), at(-30)])).toEqual(["29", "29", "28", "0"]);
    expect(await Promise.all([at(0), at(1), at(29)])).toEqual(["0", "1", "29"]);
    await bucket.delete(ids[29]);
    await bucket.rename(ids[0], "b");
    expect(await Promise.all([at(), at(0)])).toEqual(["28", "1"]);
    // It keeps the time of its upload: it is the older one there.
    await put("c", "later");
    await bucket.rename(ids[1], "c");
    expect(await textOf(bucket.openDownloadStreamByName("c"))).toBe("later");
    await bucket.renameByName("a", "d");
    expect(await bucket.find({ filename: "d" }).toArray()).toHaveLength(27);
    await bucket.deleteByName("d");
    expect(await bucket.find().toArray()).toHaveLength(3);
    await bucket.drop();
    expect(await bucket.find().toArray()).toEqual([]);
  });

  test("are in the order of the dates that they came with", async () => {
    for (const day of [3, 1, 2])
      await put("a", String(day), { uploadDate: new Date(day * 86_400_000) });
    expect(await textOf(bucket.openDownloadStreamByName("a"))).toBe("3");
    expect(await textOf(bucket.openDownloadStreamByName("a", { revision: 0 }))).toBe("1");
  });
});

describe("find", () => {
  test("filters, sorts, skips and limits", async () => {
    for (let i = 0; i < 12; i++)
      await put(`f${i % 3}`, "x".repeat(i), { metadata: { i, tags: [i, "t"], even: i % 2 === 0 } });
    const lengths = async (cursor: ReturnType<GridFSBucket["find"]>) =>
      (await cursor.toArray()).map(({ length }) => length);
    expect(await lengths(bucket.find({ filename: "f1" }).sort({ uploadDate: 1 }))).toEqual([
      1, 4, 7, 10,
    ]);
    expect(
      await lengths(bucket.find({ filename: "f1" }).sort({ uploadDate: -1 }).limit(2)),
    ).toEqual([10, 7]);
    expect(await lengths(bucket.find({ length: { $gte: 9 } }, { sort: { length: -1 } }))).toEqual([
      11, 10, 9,
    ]);
    const even = bucket.find({ "metadata.even": true }).sort("length", -1).skip(1).limit(3);
    expect(await lengths(even)).toEqual([8, 6, 4]);
    const newest = bucket.find({}).sort({ uploadDate: -1, length: -1 }).skip(1).limit(2);
    expect(await lengths(newest)).toEqual([10, 9]);
    const names = await bucket
      .find({})
      .sort([
        ["filename", 1],
        ["length", -1],
      ])
      .toArray();
    expect(names.slice(0, 2).map(({ length }) => length)).toEqual([9, 6]);
    expect(await bucket.find({ uploadDate: { $lt: new Date() } }).count()).toBe(12);
    expect(await bucket.find({ "metadata.tags": 5 }).count()).toBe(1);
    expect(
      await bucket.find({ filename: /^f[12]$/, $or: [{ length: 1 }, { length: 3 }] }).count(),
    ).toBe(1);
  });

  test("gives a cursor that is read once, in any way", async () => {
    for (let i = 0; i < 3; i++) await put("f", String(i));
    const cursor = bucket.find().map(({ length }) => length);
    expect(await cursor.hasNext()).toBe(true);
    expect(await cursor.next()).toBe(1);
    expect(() => cursor.limit(1)).toThrow("Cursor is already initialized");
    expect(await cursor.toArray()).toEqual([1, 1]);
    expect([await cursor.next(), await cursor.hasNext(), cursor.closed]).toEqual([
      null,
      false,
      true,
    ]);
    cursor.rewind();
    let count = 0;
    for await (const _ of cursor) count++;
    expect(count).toBe(3);
    const some: unknown[] = [];
    const untilTwo = (one: unknown) => some.push(one) < 2;
    await cursor.clone().forEach(untilTwo);
    expect(some).toHaveLength(2);
    expect(await new GridFSBucket(store, { bucketName: "none" }).find().toArray()).toEqual([]);
  });
});
