/** Of an upload that does not end nothing is left: aborted, destroyed, refused, or killed with its process. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { GridFSBucket } from "../../client/streams/bucket.ts";
import type { GridFSBucketWriteStream } from "../../client/streams/upload-stream.ts";
import { StreamStore } from "./stream-store.ts";

/** Longer than any upload here lives. */
const PENDING_MS = 10_000;
/** It waits for that to end, on a busy machine, too. */
const LONG_MS = 180_000;

/** Until chunks of it are stored, of which the first hundreds are registered, too. */
async function half(at: StreamStore, upload: GridFSBucketWriteStream): Promise<void> {
  const before = (await at.needles()).length;
  upload.write(Buffer.alloc(1_000_000, "h"));
  while ((await at.needles()).length < before + 200) await pause(5);
}

const endings: Record<string, (upload: GridFSBucketWriteStream) => Promise<unknown>> = {
  aborted: (upload) => upload.abort(),
  destroyed: (upload) => {
    upload.destroy();
    return once(upload, "close");
  },
  "refused, since its id was taken meanwhile": (upload) => {
    upload.end();
    return expect(once(upload, "finish")).rejects.toMatchObject({ code: 11_000 });
  },
};

test.each(Object.keys(endings))("an upload that is %s leaves nothing", async (ending) => {
  await using at = await StreamStore.open(PENDING_MS);
  const bucket = new GridFSBucket(at.store, { chunkSizeBytes: 4096 });
  const upload = bucket.openUploadStreamWithId("id", "half");
  await half(at, upload);
  const other = bucket.openUploadStreamWithId("id", "whole");
  other.end(Buffer.alloc(10_000, "w"));
  await once(other, "finish");
  await endings[ending]?.(upload);
  expect((await bucket.find().toArray()).map(({ filename }) => filename)).toEqual(["whole"]);
  await at.seal();
  const chunks = await at.chunksOf(bucket.bucketName, "id");
  await at.untilOnly(chunks.map(({ needle }) => needle));
});

test(
  "of an upload whose process is killed nothing stays; what was whole does",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "quarry-endless-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const child = fork(join(import.meta.dirname, "endless-upload.ts"), [
      String(PENDING_MS),
      folder,
    ]);
    const [said] = await once(child, "message");
    expect(said).toBe("stored");
    child.kill("SIGKILL");
    await once(child, "exit");
    await using at = await StreamStore.open(PENDING_MS, folder);
    const bucket = new GridFSBucket(at.store);
    const files = await bucket.find().toArray();
    expect(files.map(({ filename, length }) => [filename, length])).toEqual([["whole", 10_000]]);
    await at.seal();
    const chunks = await at.chunksOf(bucket.bucketName, String(files[0]?._id));
    expect(chunks).toHaveLength(3);
    await at.untilOnly(chunks.map(({ needle }) => needle));
  },
  LONG_MS,
);
