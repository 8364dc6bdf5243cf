/** A backup of a running store, read back, and what it takes to notice that it was changed. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Clock, systemClock } from "../../base/clock.ts";
import { nodeDisk } from "../../base/disk-node.ts";
import { seededRandom, systemRandom } from "../../base/random.ts";
import { openServers } from "../../client/open-servers.ts";
import { Rebuilding } from "../../nameserver/backup/rebuilding.ts";
import { openNameserver } from "../../nameserver/nameserver.ts";
import { noBlocks } from "../../nameserver/no-blocks.ts";
import { Compacted } from "../../rpc/compacted.ts";
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

async function restored(
  file: string,
  directory: string,
  clock: Clock = systemClock,
): Promise<void> {
  await using rebuilding = await Rebuilding.begin({ ...seams, clock, directory });
  await readBackup(nodeDisk, file, (piece) => rebuilding.take(piece));
  rebuilding.endRows();
  await rebuilding.recover(1);
  await rebuilding.finish();
}

test("a restored state is that of one moment, and goes on", async () => {
  const file = join(folder, "backup");
  await backedUp(file);
  const directory = join(folder, "again");
  await restored(file, directory);
  {
    await using nameserver = await opened(directory);
    expect((await nameserver.buckets("u", "", 1000)).length).toBe(400);
    await makeBuckets(nameserver, 900, 3);
    expect(await nameserver.leaseBlobs(1)).toBeGreaterThan(1000);
  }
  await using nameserver = await opened(directory);
  expect((await nameserver.buckets("u", "", 1000)).length).toBe(403);
});

const opened = (directory: string) =>
  openNameserver({
    ...{ ...seams, directory, blocks: noBlocks, durability: "commit" },
    report: () => {},
  });

/** Leaves all kinds of numbers with clients: of a session, a version, a blob, a revision, an epoch. */
async function live(directory: string) {
  await using names = await opened(directory);
  const bucket = `bucket-${names.group.applied}`;
  const made = {
    type: "createBucket",
    bucket,
    owner: "u",
    settings: { versioning: "enabled" },
  } as const;
  const session = await names.openSession();
  await names.execute(made, { session, sequence: 1 });
  const blob = await names.leaseBlobs(1);
  const content = { blob, lengthBytes: 0, registered: 0, chunks: [] };
  const object = { bucket, key: "key", content, attributes: { etag: "e" } };
  const put = JSON.stringify(await names.execute({ type: "putObject", ...object }));
  const { epoch } = await names.clusterMap(0);
  return { session, made, put, blob, epoch, applied: names.group.applied };
}

/** Clients of an earlier life of the store are told that it is over. */
async function meet(
  directory: string,
  { session, made, applied }: Awaited<ReturnType<typeof live>>,
) {
  await using names = await opened(directory);
  await expect(names.execute(made, { session, sequence: 1 })).rejects.toMatchObject({
    code: "SessionExpired",
  });
  const topic = { kind: "map" } as const;
  const changes = names.watches.changes({ topic, after: applied, limit: 1, waitMs: 0 });
  await expect(changes).rejects.toBeInstanceOf(Compacted);
}

test("what was done behind a backup is not mistaken for what is done after it came back", async () => {
  const file = join(folder, "backup");
  await backedUp(file);
  const lives = [await live(join(folder, "data", "nameserver"))];
  for (let i = 1; i < 3; i++) {
    const directory = join(folder, `${i}`);
    await restored(file, directory, { ...systemClock, nowMs: () => Date.now() + 1_000 * i });
    for (const before of lives) await meet(directory, before);
    lives.push(await live(directory));
    for (const number of ["session", "blob", "epoch", "applied"] as const)
      expect(lives[i]?.[number], number).toBeGreaterThan(lives[i - 1]?.[number] ?? 0);
  }
  expect(new Set(lives.map(({ put }) => put)).size).toBe(3);
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
  await expect(opened(half)).rejects.toThrow(/has lost its files/);
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
