/** Streams over a cluster of real processes, as a program on another machine has them. */
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { expect, test } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { openStoreClient } from "../../cli/store-client.ts";
import { GridFSBucket } from "../../client/streams/bucket.ts";
import { ObjectId } from "../../client/streams/object-id.ts";
import { Cluster } from "../cluster.ts";

test("files are stored, found, read by ranges, renamed and deleted; a leader may change meanwhile", async () => {
  await using cluster = await Cluster.found({ nameservers: 3, dataservers: 2, gateways: 0 });
  const { servers, secretFile } = cluster.group;
  await using store = await openStoreClient({ nameservers: servers, secretFile }, () => undefined);
  const bucket = new GridFSBucket(store, { chunkSizeBytes: 1_000_000 });
  const content = seededRandom(7).bytes(3_500_000);
  const by = new ObjectId();
  const metadata = { by, at: new Date(1), bytes: Buffer.from([1, 2]), deep: [{ n: null }] };
  const uploads = [1, 2, 3].map(() => bucket.openUploadStream("a", { metadata }));
  const feed = (upload: (typeof uploads)[number]) =>
    pipeline(Readable.from([content.subarray(0, 1_234_567), content.subarray(1_234_567)]), upload);
  await feed(uploads[0] ?? uploads[1] ?? bucket.openUploadStream("none"));
  const second = Promise.all(uploads.slice(1).map(feed));
  await cluster.group.end(await cluster.group.leader(), "SIGKILL");
  await second;
  const files = await bucket.find({ "metadata.by": by }).sort({ uploadDate: 1 }).toArray();
  expect(files.map(({ metadata: found }) => found)).toEqual([metadata, metadata, metadata]);
  const read = bucket.openDownloadStreamByName("a", { start: 999_990, end: 3_000_010 });
  expect((await buffer(read)).equals(content.subarray(999_990, 3_000_010))).toBe(true);
  await bucket.rename(files[0]?._id, "b");
  expect((await buffer(bucket.openDownloadStreamByName("b"))).equals(content)).toBe(true);
  await bucket.deleteByName("a");
  expect(await bucket.find().toArray()).toHaveLength(1);
});
