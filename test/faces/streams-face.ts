/** Files of a GridFS bucket, by their ids. A name is `stream:id`; several files have one filename. */
import { buffer } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import type { Store } from "../../client/store.ts";
import { GridFSBucket } from "../../client/streams/bucket.ts";
import type { Face } from "./face.ts";

const BUCKET = "faces-streams";
const FILENAMES = 12;

export function streamsFace(store: Store): Face {
  const bucket = new GridFSBucket(store, { bucketName: BUCKET });
  const filename = (number: number) => `file ${number % FILENAMES}`;
  return {
    ...{ kind: "stream", naming: "new" },
    draw: (index, number) => `stream:${index}-${number.toString(36)}`,
    async put(name, content) {
      const id = idOf(name);
      const chunkSizeBytes = 1024 * (1 + (content.length % 500));
      const upload = bucket.openUploadStreamWithId(id, filename(content.length), {
        ...{ chunkSizeBytes, metadata: { id } },
      });
      await finished(upload.end(content));
      return name;
    },
    async link(from, name) {
      const id = idOf(name);
      await store.link({ from, to: { bucket: BUCKET, id, filename: filename(id.length) } });
      return name;
    },
    async read(name, span) {
      return await ifThere(buffer(bucket.openDownloadStream(idOf(name), span ?? {})));
    },
    async remove(name) {
      await ifThere(bucket.delete(idOf(name)));
    },
    async restore(name) {
      await store.names.execute({ type: "undelete", bucket: BUCKET, key: idOf(name) });
    },
    async describe(name, number) {
      await ifThere(bucket.rename(idOf(name), filename(number)));
    },
    source: (name) => ({ bucket: BUCKET, id: idOf(name) }),
    holds: () => ({ content: true, more: 0 }),
    isListed: () => true,
    async list() {
      const files = await bucket.find().toArray();
      return new Set(files.map(({ _id }) => `stream:${_id}`));
    },
    /** By filename there are the same files as by id, and the newest revision is the last one. */
    async audit() {
      const troubles: string[] = [];
      const files = await bucket.find().toArray();
      for (const [name, all] of Map.groupBy(files, (file) => file.filename)) {
        const named = await bucket.find({ filename: name }).toArray();
        const ids = (some: typeof files) =>
          some
            .map(({ _id }) => _id)
            .sort()
            .join();
        if (ids(named) !== ids(all)) troubles.push(`${name} has other files by name than by id`);
      }
      return troubles;
    },
  };
}

export async function makeStreams(store: Store): Promise<void> {
  const bucket = new GridFSBucket(store, { bucketName: BUCKET });
  await finished(bucket.openUploadStreamWithId("first", "first").end());
  await bucket.delete("first");
}

const idOf = (name: string) => name.slice("stream:".length);

async function ifThere<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
}
