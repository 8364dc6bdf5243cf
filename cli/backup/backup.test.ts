/** A backup of a running store, read back, and what it takes to notice that it was changed. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { nodeDisk } from "../../base/disk-node.ts";
import { seededRandom, systemRandom } from "../../base/random.ts";
import { openServers } from "../../client/open-store.ts";
import { Rebuilding } from "../../nameserver/backup/rebuilding.ts";
import { openNameserver } from "../../nameserver/nameserver.ts";
import { noBlocks } from "../../nameserver/no-blocks.ts";
import type { NameService } from "../../rpc/name-service.ts";
import { readBackup } from "./read-backup.ts";
import { writeBackup } from "./write-backup.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quarry-backup-"));
});
afterEach(() => rm(folder, { recursive: true }));

const seams = { disk: nodeDisk, clock: systemClock, random: systemRandom };
const onProgress = () => {};

async function makeBuckets(names: NameService, from: number, count: number): Promise<void> {
  await names.execute({ type: "putUser", user: { id: "u", displayName: "U" } });
  for (let i = from; i < from + count; i++)
    await names.execute({
      type: "createBucket",
      bucket: `bucket-${i}`,
      owner: "u",
      settings: { tags: { long: "x".repeat(4_000) } },
    });
}

async function backedUp(file: string): Promise<void> {
  await using servers = await openServers({ directories: [join(folder, "data")] });
  const { nameserver } = servers;
  await makeBuckets(nameserver, 0, 400);
  // Leaves a trace of its own in the store below the state.
  await nameserver.group.checkpoint();
  let writes: Promise<void> | undefined;
  await writeBackup({
    ...seams,
    file,
    onProgress,
    read: async (request) => {
      const piece = await nameserver.statePiece(request);
      // What comes once the reading has begun is not in it.
      writes ??= makeBuckets(nameserver, 400, 100);
      return piece;
    },
  });
  await writes;
  expect((await nameserver.buckets("u", "", 1000)).length).toBe(500);
}

async function restored(file: string, directory: string): Promise<void> {
  await using rebuilding = await Rebuilding.begin({ ...seams, directory });
  await readBackup(nodeDisk, file, (piece) => rebuilding.take(piece));
  rebuilding.endRows();
  await rebuilding.give({ type: "recovered", skipBlobs: 1000, keepOrphansMs: 1 });
  await rebuilding.finish();
}

test("a restored state is that of one moment, and goes on", async () => {
  const file = join(folder, "backup");
  await backedUp(file);
  const directory = join(folder, "again");
  await restored(file, directory);
  const open = () =>
    openNameserver({
      ...seams,
      directory,
      blocks: noBlocks,
      durability: "commit",
      report: () => {},
    });
  {
    await using nameserver = await open();
    expect((await nameserver.buckets("u", "", 1000)).length).toBe(400);
    await makeBuckets(nameserver, 900, 3);
    expect(await nameserver.leaseBlobs(1)).toBeGreaterThan(1000);
  }
  await using nameserver = await open();
  expect((await nameserver.buckets("u", "", 1000)).length).toBe(403);
});

test("nothing is restored over what is there, and what did not end is opened by nobody", async () => {
  const file = join(folder, "backup");
  await backedUp(file);
  const directory = join(folder, "data", "nameserver");
  await expect(restored(file, directory)).rejects.toThrow(/is not empty/);
  const half = join(folder, "half");
  {
    await using rebuilding = await Rebuilding.begin({ ...seams, directory: half });
    await readBackup(nodeDisk, file, (piece) => rebuilding.take(piece));
  }
  await expect(
    openNameserver({
      ...seams,
      directory: half,
      blocks: noBlocks,
      durability: "commit",
      report: () => {},
    }),
  ).rejects.toThrow(/has lost its files/);
});

test("every flipped bit and every missing end is found", async () => {
  const file = join(folder, "backup");
  await backedUp(file);
  const whole = await readFile(file);
  const random = seededRandom(5);
  const bad = join(folder, "bad");
  for (let i = 0; i < 30; i++) {
    const bytes = Buffer.from(whole);
    const at = i < 20 ? random.u32() % bytes.length : ([0, 8, 12, 30, 63][i % 5] ?? 0);
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (random.u32() % 8)), at);
    await writeFile(bad, bytes);
    await expect(readBackup(nodeDisk, bad), `flipped at ${at}`).rejects.toThrow(/bad /);
  }
  for (const length of [0, 10, 64, 70, whole.length - 64, whole.length - 1]) {
    await writeFile(bad, whole.subarray(0, length));
    await expect(readBackup(nodeDisk, bad)).rejects.toThrow(/damaged/);
  }
  await writeFile(bad, Buffer.concat([whole, Buffer.from("x")]));
  await expect(readBackup(nodeDisk, bad)).rejects.toThrow(/damaged/);
});
