/** examples/gridfs-migration.ts, from files as mongoexport writes them. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { type EmbeddedStore, ObjectId, openStore } from "../../client/open-store.ts";
import { exported, live, migrate } from "../../examples/gridfs-migration.ts";

const CHUNK_BYTES = 261_120;

let directory = "";
let store: EmbeddedStore;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quarry-migration-"));
  store = await openStore(join(directory, "data"));
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const contents = [0, 5, CHUNK_BYTES, 2_000_000].map((size, i) => seededRandom(i).bytes(size));
const oid = (i: number) => `65a0000000000000000000${String(i).padStart(2, "0")}`;

/** @param change may leave chunks out. */
async function writeExport(change: (chunks: object[]) => object[] = (chunks) => chunks) {
  const folder = join(directory, "export");
  const files = contents.map((content, i) => ({
    ...{ _id: { $oid: oid(i) }, length: { $numberLong: String(content.length) } },
    ...{ chunkSize: CHUNK_BYTES, uploadDate: { $date: `2020-01-0${i + 1}T10:00:00.123Z` } },
    ...{ filename: `file ${i % 2}`, metadata: { n: i, of: { $oid: oid(99) } } },
  }));
  const chunks = contents.flatMap((content, i) =>
    Array.from({ length: Math.ceil(content.length / CHUNK_BYTES) }, (_, n) => {
      const data = content.subarray(n * CHUNK_BYTES, (n + 1) * CHUNK_BYTES);
      const $binary = { base64: data.toString("base64"), subType: "00" };
      return { _id: { $oid: oid(50) }, files_id: { $oid: oid(i) }, n, data: { $binary } };
    }),
  );
  const lines = (documents: object[]) =>
    documents.map((one) => `${JSON.stringify(one)}\n`).join("");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "fs.files.json"), lines(files));
  await writeFile(join(folder, "fs.chunks.json"), lines(change(chunks)));
  return folder;
}

test("files come over whole, as they were described, and once", async () => {
  const orphan = {
    files_id: { $oid: "64".padEnd(24, "0") },
    n: 3,
    data: { $binary: { base64: "eA==" } },
  };
  const folder = await writeExport((chunks) => [orphan, ...chunks]);
  const fs = store.streams("fs");
  expect(await migrate(exported(folder), fs)).toBe(4);
  for (const [i, content] of contents.entries()) {
    const id = new ObjectId(oid(i));
    expect((await buffer(fs.openDownloadStream(id))).equals(content)).toBe(true);
    expect(await fs.find({ _id: id }).next()).toMatchObject({
      ...{ filename: `file ${i % 2}`, uploadDate: new Date(`2020-01-0${i + 1}T10:00:00.123Z`) },
      metadata: { n: i, of: new ObjectId(oid(99)) },
    });
  }
  const newest = await buffer(fs.openDownloadStreamByName("file 1"));
  expect(newest.equals(contents[3] ?? Buffer.alloc(0))).toBe(true);
  await fs.delete(new ObjectId(oid(2)));
  expect(await migrate(exported(folder), fs)).toBe(1);
  const other = store.streams("other");
  expect(await migrate(live(fs), other)).toBe(4);
  expect((await buffer(other.openDownloadStream(new ObjectId(oid(3))))).length).toBe(2_000_000);
});

test("a file of which a chunk is missing is not taken for whole", async () => {
  const folder = await writeExport((chunks) => chunks.toSpliced(4, 1));
  const fs = store.streams("fs");
  await expect(migrate(exported(folder), fs)).rejects.toThrow(
    `chunk 2 of file ${oid(3)} is missing`,
  );
  expect(await fs.find().toArray()).toHaveLength(3);
  const short = await writeExport((chunks) => chunks.slice(0, -1));
  await expect(migrate(exported(short), fs)).rejects.toThrow("bytes of 2000000");
  expect(await fs.find().toArray()).toHaveLength(3);
});
