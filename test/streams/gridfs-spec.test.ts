/** The public cases of the GridFS specification (gridfs-cases.ts), each in a store of its own. */
import { once } from "node:events";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { unreachable } from "../../base/errors.ts";
import { GridFSBucket } from "../../client/streams/bucket.ts";
import { keyOfId } from "../../client/streams/id-key.ts";
import { ObjectId } from "../../client/streams/object-id.ts";
import type { GridFSBucketWriteStreamOptions } from "../../client/streams/upload-stream.ts";
import { type Case, cases, type GivenFile, type Harm, type Step } from "./gridfs-cases.ts";
import { StreamStore } from "./stream-store.ts";

const DAY_MS = 86_400_000;
const CHUNK = 4;
/** No upload of a case takes as long. */
const PENDING_MS = 500;
const bucketName = "fs";
const idOf = (id: number) => new ObjectId(`${"0".repeat(23)}${id}`);
const keyOf = (id: number) => keyOfId(idOf(id));

function pieces(hex: string): Buffer[] {
  const bytes = Buffer.from(hex, "hex");
  const count = Math.ceil(bytes.length / CHUNK);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * CHUNK, (i + 1) * CHUNK));
}

class Run {
  readonly #at: StreamStore;
  readonly bucket: GridFSBucket;

  constructor(at: StreamStore) {
    this.#at = at;
    this.bucket = new GridFSBucket(at.store, { bucketName });
  }

  async put({ id, content, filename, day = 1, contentType }: GivenFile): Promise<void> {
    const uploadDate = new Date((day - 1) * DAY_MS);
    const options = { id: idOf(id), chunkSizeBytes: CHUNK, metadata: {}, uploadDate };
    await this.#upload(filename ?? "gone", content, {
      ...options,
      ...(contentType !== undefined && { contentType }),
    });
    if (filename !== undefined) return;
    // No upload makes a file without a name; one may come from elsewhere.
    const stream = { chunkSizeBytes: CHUNK, uploadedMs: uploadDate.getTime() };
    await this.#at.store.names.execute({
      ...{ type: "describeObject", bucket: bucketName, key: keyOf(id), change: { stream } },
    });
  }

  async harm(harm: Harm, files: readonly GivenFile[]): Promise<void> {
    const key = keyOf(harm.id);
    const given = files.find(({ id }) => id === harm.id);
    const { names } = this.#at.store;
    switch (harm.kind) {
      case "missing": {
        const chunk = (await this.#at.chunksOf(bucketName, key))[harm.chunk];
        if (chunk === undefined) throw new Error("the chunk to harm is there");
        return await this.#at.removeNeedle(chunk);
      }
      case "empty chunk":
        return await this.#leave([Buffer.alloc(0)]);
      case "no file":
        await names.execute({ type: "deleteObject", bucket: bucketName, key });
        return await this.#leave(pieces(given?.content ?? ""));
      case "wrong size": {
        const stored = await this.#at.append(harm.needles.map((hex) => Buffer.from(hex, "hex")));
        const told = pieces(given?.content ?? "");
        const chunks = stored.chunks.map((chunk, i) => ({
          ...chunk,
          lengthBytes: told[i]?.length ?? 0,
        }));
        const lengthBytes = chunks.reduce((sum, one) => sum + one.lengthBytes, 0);
        const { object } = await names.lookup({ bucket: bucketName, key });
        await names.execute({
          ...{ type: "putObject", bucket: bucketName, key, attributes: object.attributes },
          content: { blob: stored.blob, lengthBytes, registered: 0, chunks },
        });
        return;
      }
      default:
        return unreachable(harm);
    }
  }

  /** What an upload leaves that ended in the middle. */
  async #leave(parts: readonly Buffer[]): Promise<void> {
    const { blob, chunks } = await this.#at.append(parts);
    await this.#at.store.names.execute({ type: "addChunks", blob, first: 0, chunks });
  }

  async step(step: Step): Promise<void> {
    const { bucket } = this;
    switch (step.do) {
      case "delete":
        return await bucket.delete(idOf(step.id));
      case "deleteByName":
        return await bucket.deleteByName(step.filename);
      case "rename":
        return await bucket.rename(idOf(step.id), step.to);
      case "renameByName":
        return await bucket.renameByName(step.filename, step.to);
      case "download":
        return await this.#read(bucket.openDownloadStream(idOf(step.id)), step.gives);
      case "downloadByName": {
        const { filename, revision, gives } = step;
        const which = revision === undefined ? {} : { revision };
        return await this.#read(bucket.openDownloadStreamByName(filename, which), gives);
      }
      case "upload":
        return await this.#checkUpload(step);
      default:
        return unreachable(step);
    }
  }

  async #read(stream: Readable, gives: string | undefined): Promise<void> {
    const found = await buffer(stream);
    expect(found.toString("hex")).toBe(gives);
  }

  async #upload(filename: string, content: string, options: GridFSBucketWriteStreamOptions) {
    const upload = this.bucket.openUploadStream(filename, options);
    upload.end(Buffer.from(content, "hex"));
    await once(upload, "finish");
    return upload.id;
  }

  async #checkUpload({ content, metadata }: Extract<Step, { do: "upload" }>): Promise<void> {
    const before = await this.bucket.find().toArray();
    const id = await this.#upload("filename", content, {
      chunkSizeBytes: CHUNK,
      ...(metadata !== undefined && { metadata }),
    });
    expect(id).toBeInstanceOf(ObjectId);
    const files = await this.bucket.find({}).sort({ uploadDate: -1 }).toArray();
    expect(files).toHaveLength(before.length + 1);
    expect(files[0]).toStrictEqual({
      ...{ _id: id, length: content.length / 2, chunkSize: CHUNK, filename: "filename" },
      uploadDate: expect.any(Date),
      ...(metadata !== undefined && { metadata }),
    });
    const stored = await this.#at.contentOf(bucketName, keyOfId(id));
    expect(stored).toEqual(pieces(content).map((one) => one.toString("hex")));
  }

  /** The files are these, with their chunks, and there are no other chunks. */
  async checkLeft(leaves: Readonly<Record<number, string>>, files: readonly GivenFile[]) {
    const found = await this.bucket.find().toArray();
    const wanted = files.flatMap(({ id, content, day = 1, contentType }) => ({
      ...{ _id: idOf(id), length: content.length / 2, chunkSize: CHUNK, metadata: {} },
      ...{ filename: leaves[id], uploadDate: new Date((day - 1) * DAY_MS) },
      ...(contentType !== undefined && { contentType }),
    }));
    const left = wanted.filter(({ filename }) => filename !== undefined);
    expect(found).toEqual(left);
    const needles: Awaited<ReturnType<StreamStore["needles"]>> = [];
    for (const { _id } of left) {
      const key = keyOfId(_id);
      const given = files.find(({ id }) => keyOf(id) === key);
      const stored = await this.#at.contentOf(bucketName, key);
      expect(stored).toEqual(pieces(given?.content ?? "").map((one) => one.toString("hex")));
      needles.push(...(await this.#at.chunksOf(bucketName, key)).map(({ needle }) => needle));
    }
    await this.#at.untilOnly(needles);
  }
}

const failures = {
  "no such file": { name: "MongoRuntimeError", code: "ENOENT" },
  "wrong chunk": { name: "MongoGridFSChunkError" },
};

async function runCase({ files, harm, step, fails, leaves }: Case): Promise<void> {
  await using at = await StreamStore.open(PENDING_MS);
  const run = new Run(at);
  for (const file of files) await run.put(file);
  if (harm !== undefined) await run.harm(harm, files);
  if (fails === undefined) await run.step(step);
  else await expect(run.step(step)).rejects.toMatchObject(failures[fails]);
  if (leaves !== undefined) await run.checkLeft(leaves, files);
}

describe("the cases of the GridFS specification", () => {
  test("are 44, each of them once", () => {
    expect(new Set(cases.map(({ from }) => from)).size).toBe(44);
    expect(cases).toHaveLength(44);
  });
  test.each(cases)("$from: $what", runCase);
});
