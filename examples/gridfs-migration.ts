/**
 * Moves the files of MongoDB's GridFS into a store: with ids, names, dates and metadata, so that programs
 * go on as before with `store.streams("fs")` in place of `new GridFSBucket(db)`. What is there already is
 * left alone, so it may be run again, also after it was interrupted.
 *
 *   mongoexport --db app --collection fs.files  --sort '{"_id": 1}' --out export/fs.files.json
 *   mongoexport --db app --collection fs.chunks --sort '{"files_id": 1, "n": 1}' --out export/fs.chunks.json
 *   npx node examples/gridfs-migration.ts export ./data
 */
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { type GridFSBucket, type GridFSFile, ObjectId, openStore } from "quarry";

/** A file, and its bytes when they are asked for. */
export interface Source {
  readonly file: GridFSFile;
  readonly bytes: () => AsyncIterable<Uint8Array>;
}

/** Of a MongoDB that runs: `live(new GridFSBucket(db))`, with the class of its driver. */
export async function* live(bucket: Pick<GridFSBucket, "find" | "openDownloadStream">) {
  for await (const file of bucket.find())
    yield { file, bytes: () => bucket.openDownloadStream(file._id) };
}

interface Chunk {
  readonly files_id: unknown;
  readonly n: number;
  readonly data: Buffer;
}

/** Of two sorted exports, read side by side. */
export async function* exported(folder: string, bucketName = "fs"): AsyncGenerator<Source> {
  const chunks = documents<Chunk>(join(folder, `${bucketName}.chunks.json`));
  let next = await chunks.next();
  async function* chunksOf({ _id, length }: GridFSFile) {
    let at = 0;
    // What an upload that broke off has left in MongoDB is of no file.
    while (next.done !== true && isBefore(next.value.files_id, _id)) next = await chunks.next();
    for (let n = 0; next.done !== true && String(next.value.files_id) === String(_id); n++) {
      if (next.value.n !== n) throw new Error(`chunk ${n} of file ${_id} is missing`);
      at += next.value.data.length;
      yield next.value.data;
      next = await chunks.next();
    }
    if (at !== length) throw new Error(`file ${_id} has ${at} bytes of ${length}`);
  }
  for await (const file of documents<GridFSFile>(join(folder, `${bucketName}.files.json`))) {
    const all = chunksOf(file);
    yield { file, bytes: () => all };
    for await (const _ of all); // those of a file that nobody wanted
  }
}

const isBefore = (a: unknown, b: unknown) =>
  typeof a === "number" && typeof b === "number" ? a < b : String(a) < String(b);

async function* documents<T>(path: string): AsyncGenerator<T> {
  for await (const line of createInterface({ input: createReadStream(path) }))
    if (line !== "") yield JSON.parse(line, extended) as T;
}

/** What mongoexport writes for values that JSON has not. */
function extended(_name: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const { $oid, $date, $binary, $numberInt, $numberLong, $numberDouble } = value as Record<
    string,
    string
  >;
  if ($oid !== undefined) return new ObjectId($oid);
  if ($date !== undefined) return new Date($date);
  if ($binary !== undefined)
    return Buffer.from(($binary as unknown as { base64: string }).base64, "base64");
  const number = $numberInt ?? $numberLong ?? $numberDouble;
  return number === undefined ? value : Number(number);
}

/** Resolves with how many files were moved. */
export async function migrate(files: AsyncIterable<Source>, to: GridFSBucket): Promise<number> {
  let moved = 0;
  for await (const { file, bytes } of files) {
    const { _id: id, filename, uploadDate, metadata, contentType, length } = file;
    if ((await to.find({ _id: id, length }).next()) !== null) continue;
    const upload = to.openUploadStreamWithId(id, filename, {
      ...{ uploadDate, ...(metadata && { metadata }), ...(contentType && { contentType }) },
    });
    // A file that is not whole fails here, and leaves nothing.
    await pipeline(bytes(), upload);
    moved++;
  }
  return moved;
}

if (import.meta.main) {
  const [folder = "export", data = "./data"] = process.argv.slice(2);
  await using store = await openStore(data);
  const moved = await migrate(exported(folder), store.streams("fs"));
  process.stdout.write(`${moved} files are in ${data}\n`);
}
