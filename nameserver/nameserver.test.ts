import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Clock, systemClock } from "../base/clock.ts";
import { nodeDisk } from "../base/disk-node.ts";
import type { BlobId, BlockId, DeviceId, NeedleId } from "../base/ids.ts";
import { systemRandom } from "../base/random.ts";
import type { Chunk } from "../rpc/objects.ts";
import { audit } from "../test/metadata/audit.ts";
import { FakeBlocks } from "../test/metadata/fake-blocks.ts";
import { type Nameserver, type NameserverOptions, openNameserver } from "./nameserver.ts";

const MiB = 1024 * 1024;
const device = "disk" as DeviceId;
let root: string;
let blocks: FakeBlocks;
let reports: string[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "quarry-names-"));
  blocks = new FakeBlocks(device);
  reports = [];
});
afterEach(() => rm(root, { recursive: true }));

function open(more: Partial<NameserverOptions> = {}): Promise<Nameserver> {
  return openNameserver({
    disk: nodeDisk,
    clock: systemClock,
    random: systemRandom,
    directory: join(root, "ns"),
    blocks,
    durability: "commit",
    report: (message) => reports.push(message),
    ...more,
  });
}

/** Waits until something holds; the workers run on their own. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`never happened: ${what}; ${reports.join("; ")}`);
}

/** Audits the state; once more if the workers changed it meanwhile. */
async function sound(names: Nameserver): Promise<void> {
  const { applied } = names.group;
  try {
    await audit(names.group.state, names.group.digest);
  } catch (error) {
    if (names.group.applied === applied) throw error;
    await sound(names);
  }
}

let needle = 1n;
function chunkIn(block: BlockId, blob: BlobId, chunk: number, lengthBytes = 100): Chunk {
  blocks.store(device, block, needle as NeedleId, blob, chunk);
  return { block, needle: needle++ as NeedleId, lengthBytes, crc32c: 7 };
}

async function put(names: Nameserver, key: string, etag = "e", count = 1): Promise<Chunk[]> {
  const [target] = await names.openBlocks(0);
  const blob = await names.leaseBlobs(1);
  const block = target?.block ?? (0 as BlockId);
  const chunks = Array.from({ length: count }, (_, i) => chunkIn(block, blob, i));
  const content = { blob, lengthBytes: 100 * count, registered: 0, chunks };
  await names.execute({ type: "putObject", bucket: "b", key, content, attributes: { etag } });
  return chunks;
}

const createBucket = (names: Nameserver) =>
  names.execute({ type: "createBucket", bucket: "b", owner: "me" });
const needlesHeld = () =>
  [...(blocks.held.get(device)?.values() ?? [])].reduce((sum, one) => sum + one.needles.size, 0);

describe("nameserver", () => {
  test("keeps names and chunks over a restart, and a second one out", async () => {
    const chunks = await (async () => {
      await using names = await open();
      await createBucket(names);
      await expect(open()).rejects.toMatchObject({ code: "Locked" });
      return await put(names, "k\0ü", "etag", 40);
    })();
    await using names = await open();
    const { object, run, pin } = await names.lookup({ bucket: "b", key: "k\0ü", offset: 150 });
    expect(object).toMatchObject({ key: "k\0ü", lengthBytes: 4000, version: "null" });
    expect(run?.offset).toBe(100);
    expect(run?.chunks[0]).toEqual({ ...chunks[1], from: 0, usedBytes: 100 });
    expect((await names.chunks(pin, 3999)).chunks).toHaveLength(1);
    expect((await names.lookup({ bucket: "b", key: "k\0ü", offset: -1 })).run?.offset).toBe(3900);
    expect(await names.buckets("me", "", 10)).toMatchObject([
      { name: "b", objects: 1, bytes: 4000 },
    ]);
    await sound(names);
  });

  test("lost files are damage, not a new store", async () => {
    {
      await using names = await open();
      await createBucket(names);
    }
    await rm(join(root, "ns", "state"), { recursive: true });
    await expect(open()).rejects.toMatchObject({ code: "Damaged" });
    await rm(join(root, "ns", "log"), { recursive: true });
    await expect(open()).rejects.toMatchObject({ code: "Damaged" });
  });

  test("what is deleted is held, brought back, and collected when the hold ends", async () => {
    await using names = await open({ holdMs: 100_000, workersPauseMs: 5 });
    await createBucket(names);
    await put(names, "kept", "one");
    await put(names, "gone", "one");
    await put(names, "gone", "two");
    await names.execute({ type: "deleteObject", bucket: "b", key: "gone" });
    const held = { bucket: "b", prefix: "", after: "", limit: 10 };
    expect(await names.deleted(held)).toMatchObject([{ key: "gone", lengthBytes: 100 }]);
    await expect(names.execute({ type: "deleteBucket", bucket: "b" })).rejects.toMatchObject({
      code: "BucketNotEmpty",
    });
    await names.execute({ type: "undelete", bucket: "b", key: "gone" });
    const back = await names.lookup({ bucket: "b", key: "gone" });
    expect(back.object.attributes.etag).toBe("two");
    await expect(
      names.execute({ type: "undelete", bucket: "b", key: "gone" }),
    ).rejects.toMatchObject({ code: "InvalidArgument" });
    expect(needlesHeld()).toBe(3);
    await sound(names);
  });

  test("collection waits for every member, and ends", async () => {
    await using names = await open({ holdMs: 0, settleMs: 20, workersPauseMs: 5 });
    await createBucket(names);
    blocks.refuseRemovals = true;
    const [chunk] = await put(names, "big", "e", 700);
    await put(names, "small");
    await names.execute({ type: "deleteObject", bucket: "b", key: "big" });
    await names.execute({ type: "deleteObject", bucket: "b", key: "small" });
    await until("a refusal", () => reports.some((report) => report.includes("not removed yet")));
    await names.execute({ type: "deleteBucket", bucket: "b" });
    expect(needlesHeld()).toBe(701);
    blocks.refuseRemovals = false;
    await until("collection", () => needlesHeld() === 0);
    await until("rows gone", async () => {
      await using cursor = names.group.state.range("\x40", "\x44");
      return (await cursor.next(1)).length === 0;
    });
    expect(chunk).toBeDefined();
    await sound(names);
  });

  test("pending blobs expire; orphans are swept; empty blocks go", async () => {
    const options = { pendingMs: 0, holdMs: 0, settleMs: 0, workersPauseMs: 5 };
    await using names = await open(options);
    await createBucket(names);
    const [target] = await names.openBlocks(0);
    const block = target?.block ?? (0 as BlockId);
    const blob = await names.leaseBlobs(2);
    blocks.store(device, block, 999n as NeedleId, (blob + 1) as BlobId, 0); // never registered
    blocks.store(device, block, 998n as NeedleId, 0 as BlobId, 0); // a bare fid
    await names.execute({ type: "addChunks", blob, first: 0, chunks: [chunkIn(block, blob, 0)] });
    await until("expiry", () => needlesHeld() === 2);
    await Promise.all([1, 2, 3].map(() => names.reportBlock(block, 1, "full")));
    expect(blocks.calls.filter((call) => call === `seal ${block}`)).toHaveLength(1);
    await until("sweep", () => needlesHeld() === 1);
    expect(blocks.block(device, block).needles.has(998n as NeedleId)).toBe(true);
    // It may be rewritten meanwhile, with only the bare fid left in it.
    blocks.block(device, block).needles.delete(998n as NeedleId);
    blocks.block(device, block).built?.delete(998n as NeedleId);
    await until("removal", () => blocks.held.get(device)?.has(block) === false);
    await expect(names.locate(block)).rejects.toMatchObject({ code: "NoSuchBlock" });
  });

  test("a block with much garbage is rewritten, and its objects stay", async () => {
    await using names = await open({ holdMs: 0, settleMs: 0, workersPauseMs: 5 });
    await createBucket(names);
    const chunks = [];
    for (let i = 0; i < 10; i++) chunks.push(...(await put(names, `k${i}`)));
    const block = chunks[0]?.block ?? (0 as BlockId);
    for (let i = 0; i < 5; i++)
      await names.execute({ type: "deleteObject", bucket: "b", key: `k${i}` });
    await until("collection", () => needlesHeld() === 5);
    await names.reportBlock(block, 1, "full");
    await until("rewriting", () => blocks.block(device, block).generation === 2);
    expect((await names.locate(block)).generation).toBe(2);
    expect(blocks.block(device, block).fileBytes).toBe(500);
    await sound(names);
  });

  test("10,000 parts are completed by small commands, and cleaned up", async () => {
    await using names = await open({ holdMs: 0, workersPauseMs: 5 });
    await createBucket(names);
    const [target] = await names.openBlocks(0);
    const block = target?.block ?? (0 as BlockId);
    const at = { bucket: "b", key: "huge" };
    const made = await names.execute({ type: "createUpload", ...at, attributes: {} });
    const upload = made.type === "upload" ? made.upload : "";
    const blobs: number[] = [];
    for (let i = 0; i < 10_000; i += 4096) blobs.push(await names.leaseBlobs(4096));
    const blobOf = (part: number) =>
      ((blobs[Math.floor(part / 4096)] ?? 0) + (part % 4096)) as BlobId;
    const putPart = (part: number) => {
      const blob = blobOf(part - 1);
      const content = {
        blob,
        lengthBytes: 5 * MiB,
        registered: 0,
        chunks: [chunkIn(block, blob, 0, 5 * MiB)],
      };
      return names.execute({ type: "putPart", ...at, upload, part, content, etag: `e${part}` });
    };
    for (let part = 1; part <= 10_000; part += 500)
      await Promise.all(Array.from({ length: 500 }, (_, i) => putPart(part + i)));
    const listed = await names.parts({ ...at, upload, after: 9_998, limit: 10 });
    expect(listed.parts.map(({ part }) => part)).toEqual([9_999, 10_000]);
    let staged = 0;
    while (staged < 10_000) {
      const parts = Array.from({ length: 1000 }, (_, i) => ({
        part: staged + i + 1,
        etag: `"e${staged + i + 1}"`,
      }));
      const result = await names.execute({ type: "stageParts", ...at, upload, staged, parts });
      staged = result.type === "staged" ? result.staged : 0;
    }
    await names.execute({ type: "completeUpload", ...at, upload, staged, etag: "x-10000" });
    const offset = 7_777 * 5 * MiB + 3;
    const { object, run } = await names.lookup({ ...at, offset });
    expect(object.lengthBytes).toBe(10_000 * 5 * MiB);
    expect(run?.offset).toBe(7_777 * 5 * MiB);
    expect(run?.chunks).toHaveLength(64);
    await until("parts gone", () => {
      return names.parts({ ...at, upload, after: 0, limit: 1 }).then(
        () => false,
        () => names.group.state.get(`\x31`) === undefined,
      );
    });
    await names.execute({ type: "deleteObject", ...at });
    await until("collection", () => needlesHeld() === 0);
    await until("queues empty", async () => {
      await using cursor = names.group.state.range("\x40", "\x44");
      return (await cursor.next(1)).length === 0;
    });
    await sound(names);
  });

  test("rules of parts: size, order, ETag", async () => {
    await using names = await open();
    await createBucket(names);
    const at = { bucket: "b", key: "k" };
    const made = await names.execute({ type: "createUpload", ...at, attributes: {} });
    const upload = made.type === "upload" ? made.upload : "";
    const [target] = await names.openBlocks(0);
    for (const part of [1, 2, 3]) {
      const blob = await names.leaseBlobs(1);
      const chunks = [chunkIn(target?.block ?? (0 as BlockId), blob, 0)];
      const content = { blob, lengthBytes: 100, registered: 0, chunks };
      await names.execute({ type: "putPart", ...at, upload, part, content, etag: `e${part}` });
    }
    const stage = (...parts: { part: number; etag: string }[]) =>
      names.execute({ type: "stageParts", ...at, upload, staged: 0, parts });
    const part = (number: number) => ({ part: number, etag: `e${number}` });
    await expect(stage(part(1), part(2))).rejects.toMatchObject({ code: "PartTooSmall" });
    await expect(stage(part(2), part(1))).rejects.toMatchObject({ code: "InvalidPartOrder" });
    await expect(stage({ part: 1, etag: "no" })).rejects.toMatchObject({ code: "InvalidPart" });
    expect(await stage(part(3))).toMatchObject({ staged: 1, parts: [{ lengthBytes: 100 }] });
    await names.execute({ type: "completeUpload", ...at, upload, staged: 1, etag: "m-1" });
    const { object } = await names.lookup(at);
    expect(object.attributes.etag).toBe("m-1");
    await sound(names);
  });

  test("a clock that goes back does not move the time of the log", async () => {
    let now = 5_000_000;
    const clock: Clock = { ...systemClock, nowMs: () => now };
    await using names = await open({ clock, workersPauseMs: "off" });
    await createBucket(names);
    now = 1;
    await put(names, "k");
    // It goes on at half the speed.
    const { modifiedMs } = (await names.lookup({ bucket: "b", key: "k" })).object;
    expect(modifiedMs).toBeGreaterThanOrEqual(5_000_000);
    expect(modifiedMs).toBeLessThan(5_060_000);
  });
});
