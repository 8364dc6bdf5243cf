/**
 * Measures the metadata on a real disk: commands a second with durability `commit`, pages of
 * listings in small and large buckets, listing after mass deletion, start-up.
 *
 *     node bench/metadata.ts [objects, default 1000000]
 */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { nodeDisk } from "../base/disk-node.ts";
import type { BlobId, BlockId, DeviceId, NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { systemRandom } from "../base/random.ts";
import { type Nameserver, openNameserver } from "../nameserver/nameserver.ts";
import type { BlockService } from "../rpc/block-service.ts";

const objects = Number(process.argv[2] ?? 1_000_000);
const device = "bench" as DeviceId;

/** One device that takes everything. */
const blocks = {
  devices: async () => [{ device, path: "/", totalBytes: 1, freeBytes: 1, state: "ok" as const }],
  blocks: async () => [],
  createBlock: async () => undefined,
} as unknown as BlockService;

let nextBlob = 1;
let leased = 1;
let needle = 1n;

async function put(names: Nameserver, block: BlockId, bucket: string, key: string): Promise<void> {
  const blob = nextBlob++ as BlobId;
  await names.execute({
    type: "putObject",
    bucket,
    key,
    content: {
      blob,
      lengthBytes: 4096,
      registered: 0,
      chunks: [{ block, needle: needle++ as NeedleId, lengthBytes: 4096, crc32c: blob }],
    },
    attributes: { etag: "9e107d9d372bb6826bd81d3542a419d6", contentType: "text/plain" },
  });
}

async function many(count: number, inFlight: number, one: (i: number) => Promise<void>) {
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < count; i = next++) await one(i);
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

async function timed<T>(what: string, count: number, run: () => Promise<T>): Promise<T> {
  const cpu = process.cpuUsage();
  const from = systemClock.monotonicMs();
  const result = await run();
  const ms = systemClock.monotonicMs() - from;
  const { user, system } = process.cpuUsage(cpu);
  const cpuUs = ((user + system) / count).toFixed(1);
  const rate = ((count / ms) * 1000).toFixed(0);
  console.log(`${what}: ${(ms / count).toFixed(3)} ms each, ${rate}/s, ${cpuUs} µs CPU each`);
  return result;
}

const directory = await mkdtemp(join(tmpdir(), "quarry-bench-"));
const crashed = `${directory}-crashed`;
const options = {
  disk: nodeDisk,
  clock: systemClock,
  random: systemRandom,
  directory,
  blocks,
  durability: "commit" as const,
  report: console.log,
};

const listing = async (names: Nameserver, bucket: string, delimiter: string, prefix = "") => {
  const times: number[] = [];
  for (let i = 0; i < 20; i++) {
    const from = systemClock.monotonicMs();
    await names.list({ bucket, prefix, delimiter, after: prefix, limit: 1000 });
    times.push(systemClock.monotonicMs() - from);
  }
  const first = times[0]?.toFixed(1);
  const [median, worst] = [10, 19].map((i) => times.toSorted((a, b) => a - b)[i]?.toFixed(1));
  const what = `list 1,000 of ${bucket}, prefix "${prefix}", delimiter "${delimiter}"`;
  console.log(`${what}: first ${first} ms, median ${median}, worst ${worst}`);
};

try {
  {
    await using names = await openNameserver(options);
    const [open] = await names.openBlocks(0);
    const block = open?.block as BlockId;
    for (const bucket of ["small", "large"])
      await names.execute({ type: "createBucket", bucket, owner: "bench" });
    const lease = async (count: number) => {
      for (; leased <= nextBlob + count; leased += limits.blobLease)
        await names.leaseBlobs(limits.blobLease);
    };
    await lease(50_000 + objects);
    const key = (i: number) => `data/d${String(i % 1000).padStart(4, "0")}/${i}`;
    await timed("putObject, 32 in flight", 10_000, () =>
      many(10_000, 32, (i) => put(names, block, "small", key(i))),
    );
    await timed("putObject, 256 in flight", 20_000, () =>
      many(20_000, 256, (i) => put(names, block, "large", key(i))),
    );
    await timed("putObject up to the full number, 1024 in flight", objects - 20_000, () =>
      many(objects - 20_000, 1024, (i) => put(names, block, "large", key(i + 20_000))),
    );
    await timed("lookup", 10_000, async () => {
      for (let i = 0; i < 10_000; i++)
        await names.lookup({ bucket: "large", key: key((i * 7919) % objects), offset: 0 });
    });
    for (const bucket of ["small", "large"]) {
      await listing(names, bucket, "");
      await listing(names, bucket, "/", "data/");
    }
    await listing(names, "large", "/");
    // What a crash leaves: the files as they are while the server runs.
    await cp(directory, crashed, { recursive: true });
  }
  await timed("start-up after a crash", 1, async () => {
    await using names = await openNameserver({ ...options, directory: crashed });
    return await names.bucket("large");
  });
  await timed("start-up", 1, async () => {
    await using names = await openNameserver(options);
    console.log(await names.bucket("large"));
    return names;
  });
  {
    await using names = await openNameserver(options);
    await timed("deleteObject, 1024 in flight", objects - 1000, () =>
      many(objects - 1000, 1024, async (i) => {
        const key = `data/d${String(i % 1000).padStart(4, "0")}/${i}`;
        await names.execute({ type: "deleteObject", bucket: "large", key });
      }),
    );
    console.log("right after the deletion:");
    await listing(names, "large", "");
    await listing(names, "large", "/", "data/");
  }
} finally {
  await rm(directory, { recursive: true });
  await rm(crashed, { recursive: true, force: true });
}
