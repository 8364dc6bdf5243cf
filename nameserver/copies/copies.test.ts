/** Copies of the metadata in blocks: what is written, kept and dropped, and when. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import type { BlobId, BlockId, LogIndex, NeedleId, Term } from "../../base/ids.ts";
import { seededRandom, systemRandom } from "../../base/random.ts";
import { openServers, type Servers } from "../../client/open-servers.ts";
import type { Entry } from "../../raft/entry.ts";
import type { ReadRequest } from "../../rpc/block-service.ts";
import { emptyMap } from "../../rpc/cluster-map.ts";
import type { OpenBlock } from "../../rpc/name-service.ts";
import { audit } from "../../test/metadata/audit.ts";
import { OpenBlocks } from "../open-blocks.ts";
import { Copies, type CopySettings } from "./copies.ts";
import { copyBlob, copyOf } from "./copy-blobs.ts";
import { knownCopies, reach } from "./known-copies.ts";
import { decodeLogRun, encodeLogRun } from "./log-run.ts";
import { decodeManifest, encodeManifest } from "./manifest.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quarry-copies-"));
});
afterEach(() => rm(folder, { recursive: true }));

const settings = { logMs: 1_000, snapshotMs: 60_000, snapshotBytes: 1_000_000 };

function copiesOf(
  servers: Servers,
  clock: SimulatedClock,
  blocks = servers.dataserver,
  also: Partial<CopySettings> = {},
) {
  const { group } = servers.nameserver;
  const report = () => {};
  const map = async () => emptyMap;
  const openBlocks = new OpenBlocks({ group, blocks, map, clock, report, perDevice: 2 });
  return new Copies(
    { group, blocks, clock, report },
    { ...settings, ...also, openBlocks, random: systemRandom, log: group.retention },
  );
}

let buckets = 0;
async function makeBuckets({ nameserver }: Servers, count: number): Promise<void> {
  await nameserver.execute({ type: "putUser", user: { id: "u", displayName: "U" } });
  for (let i = 0; i < count; i++)
    await nameserver.execute({ type: "createBucket", bucket: `b-${buckets++}`, owner: "u" });
}

async function settle(copies: Copies, clock: SimulatedClock, seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    clock.advance(1_000);
    while (await copies.step());
  }
}

const open = () => openServers({ directories: [join(folder, "data")], copies: "none" });

test("a snapshot, then what changed; nothing while nothing changes; the newest two are kept", async () => {
  await using servers = await open();
  const clock = new SimulatedClock(systemClock.nowMs());
  const copies = copiesOf(servers, clock);
  const { group } = servers.nameserver;
  await makeBuckets(servers, 3);
  await settle(copies, clock, 3);
  expect(await knownCopies(group.state)).toMatchObject({ snapshots: [{}], runs: [] });
  await makeBuckets(servers, 3);
  const changed = group.applied;
  await settle(copies, clock, 3);
  const known = await knownCopies(group.state);
  expect(known.runs.length).toBe(1);
  expect(reach(known)).toBe(changed);
  // The commands that keep copies are no reason for more of them.
  const { applied } = group;
  await settle(copies, clock, 200);
  expect(group.applied - applied).toBeLessThan(5);
  for (let hour = 0; hour < 4; hour++) {
    await makeBuckets(servers, 1);
    await settle(copies, clock, 100);
  }
  const { snapshots, runs } = await knownCopies(group.state);
  expect(snapshots.length).toBe(2);
  for (const run of runs) expect(run.last).toBeGreaterThan(snapshots[0]?.last ?? 0);
  await audit(group.state, group.digest);
});

test("entries wait for their copy, so that a run follows on the last, also after a restart", async () => {
  const clock = new SimulatedClock(systemClock.nowMs());
  let before: number | undefined;
  {
    await using servers = await open();
    const copies = copiesOf(servers, clock);
    await makeBuckets(servers, 1);
    await settle(copies, clock, 3);
    await makeBuckets(servers, 1);
    await servers.nameserver.group.checkpoint();
    await copies.end();
    before = reach(await knownCopies(servers.nameserver.group.state));
    await makeBuckets(servers, 1);
  }
  await using servers = await open();
  const copies = copiesOf(servers, clock);
  await settle(copies, clock, 3);
  const known = await knownCopies(servers.nameserver.group.state);
  expect(known.snapshots.length).toBe(1);
  expect(reach(known)).toBeGreaterThan(before ?? Infinity);
});

test("under steady load runs come as often as they should, and not with every change", async () => {
  await using servers = await open();
  const clock = new SimulatedClock(systemClock.nowMs());
  const copies = copiesOf(servers, clock);
  const { group } = servers.nameserver;
  await makeBuckets(servers, 1);
  await settle(copies, clock, 3);
  for (let i = 0; i < 10; i++) {
    await makeBuckets(servers, 1);
    clock.advance(300);
    while (await copies.step());
  }
  expect((await knownCopies(group.state)).runs.length).toBe(2);
});

test("much that does not matter does not hide what does", async () => {
  await using servers = await open();
  const clock = new SimulatedClock(systemClock.nowMs());
  const copies = copiesOf(servers, clock);
  const { group } = servers.nameserver;
  await makeBuckets(servers, 1);
  await settle(copies, clock, 3);
  const items = Array.from({ length: 30_000 }, (_, i) => ({ untilMs: i, blob: 1e9 as BlobId }));
  for (let i = 0; i < 6; i++) await group.propose({ type: "expirePending", items });
  await makeBuckets(servers, 1);
  await settle(copies, clock, 3);
  expect(reach(await knownCopies(group.state))).toBeGreaterThan(group.applied - 5);
});

test("a snapshot is due when the entries since the last one come to its size", async () => {
  await using servers = await open();
  const clock = new SimulatedClock(systemClock.nowMs());
  const copies = copiesOf(servers, clock, servers.dataserver, { snapshotBytes: 1_000 });
  const { group } = servers.nameserver;
  await makeBuckets(servers, 100);
  await settle(copies, clock, 3);
  const newest = async () => (await knownCopies(group.state)).snapshots.at(-1);
  const first = await newest();
  expect(first?.bytes).toBeGreaterThan(2_000);
  const runBytes = async () => {
    const { runs } = await knownCopies(group.state);
    const since = runs.filter(({ last }) => last > (first?.last ?? 0));
    return since.reduce((sum, { bytes }) => sum + bytes, 0);
  };
  for (let i = 0; (await newest())?.last === first?.last; i++) {
    expect(i).toBeLessThan(100);
    await makeBuckets(servers, 2);
    await settle(copies, clock, 1);
    if ((await runBytes()) < (first?.bytes ?? 0)) expect((await newest())?.last).toBe(first?.last);
  }
  await audit(group.state, group.digest);
});

test("behind a gap in the log there is a new snapshot", async () => {
  await using servers = await open();
  const clock = new SimulatedClock(systemClock.nowMs());
  const copies = copiesOf(servers, clock);
  const { group } = servers.nameserver;
  await makeBuckets(servers, 1);
  await settle(copies, clock, 3);
  await makeBuckets(servers, 2);
  group.retention.keepEntriesAfter(undefined);
  await group.checkpoint();
  await settle(copies, clock, 100);
  const known = await knownCopies(group.state);
  expect(known.snapshots.length).toBe(2);
  expect(reach(known)).toBeGreaterThanOrEqual(known.snapshots[1]?.last ?? Infinity);
});

test("what another has written meanwhile is found out, and gone on from", async () => {
  await using servers = await open();
  const clock = new SimulatedClock(systemClock.nowMs());
  const { group } = servers.nameserver;
  const [one, other] = [copiesOf(servers, clock), copiesOf(servers, clock)];
  await makeBuckets(servers, 1);
  await settle(one, clock, 3);
  await settle(other, clock, 3);
  await makeBuckets(servers, 1);
  await settle(one, clock, 3);
  await makeBuckets(servers, 1);
  await expect(settle(other, clock, 3)).rejects.toThrow(/already/);
  await settle(other, clock, 3);
  expect(reach(await knownCopies(group.state))).toBeGreaterThan(group.applied - 3);
  await audit(group.state, group.digest);
});

test("a snapshot that is not read back as it was written is given up, and the one before stays", async () => {
  await using servers = await open();
  const clock = new SimulatedClock(systemClock.nowMs());
  const { group } = servers.nameserver;
  const first = copiesOf(servers, clock);
  await makeBuckets(servers, 1);
  await settle(first, clock, 3);
  const liar = new Proxy(servers.dataserver, {
    get(target, name) {
      if (name !== "read") {
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      }
      return async (request: ReadRequest) => {
        const reply = await target.read(request);
        if (reply.kind === "data") reply.data[0] = (reply.data[0] ?? 0) ^ 1;
        return reply;
      };
    },
  });
  const copies = copiesOf(servers, clock, liar);
  await makeBuckets(servers, 1);
  clock.advance(100_000);
  await expect(settle(copies, clock, 100)).rejects.toThrow(/not read back/);
  expect((await knownCopies(group.state)).snapshots.length).toBe(1);
  await audit(group.state, group.digest);
});

test("while a member runs an earlier version copies are plain; they take less room when all know better", async () => {
  const bytesOf = async (holdLevel: boolean) => {
    const directories = [join(folder, String(holdLevel))];
    await using servers = await openServers({ directories, copies: "none", holdLevel });
    const clock = new SimulatedClock(systemClock.nowMs());
    const copies = copiesOf(servers, clock);
    await makeBuckets(servers, 1);
    await settle(copies, clock, 3);
    await makeBuckets(servers, 200);
    await settle(copies, clock, 100);
    const { snapshots, runs } = await knownCopies(servers.nameserver.group.state);
    return [snapshots.at(-1)?.bytes ?? 0, runs.at(-1)?.bytes ?? 0] as const;
  };
  const [plain, plainRun] = await bytesOf(true);
  const [snapshot, run] = await bytesOf(false);
  expect(snapshot).toBeLessThan(plain / 2);
  expect(run).toBeLessThan(plainRun / 2);
});

test("copies have blocks of their own, which clients are not given", async () => {
  await using servers = await open();
  const { group } = servers.nameserver;
  const clock = new SimulatedClock(systemClock.nowMs());
  await makeBuckets(servers, 1);
  const blocks = servers.dataserver;
  const map = async () => emptyMap;
  const openBlocks = new OpenBlocks({ group, blocks, map, clock, report() {}, perDevice: 2 });
  const ids = async (use?: "copies") => (await openBlocks.get(0, use)).map(({ block }) => block);
  const own = await ids("copies");
  const clients = await ids();
  expect(own.length).toBe(1);
  expect(clients.length).toBe(2);
  expect(clients).not.toContain(own[0]);
  expect(await ids("copies")).toEqual(own);
  // A full one makes room for another of its kind.
  const [{ block, generation }] = (await openBlocks.get(0, "copies")) as [OpenBlock];
  await openBlocks.seal(block, generation);
  const next = await ids("copies");
  expect(next.length).toBe(1);
  expect([...clients, ...own]).not.toContain(next[0]);
});

test("ids tell copies from blobs of clients", () => {
  for (const [kind, index] of [
    ["snapshot", 1],
    ["log", 2 ** 47],
  ] as const)
    expect(copyOf(copyBlob(kind, index as LogIndex))).toEqual({ kind, index });
  expect(copyOf((2 ** 50) as BlobId)).toBeUndefined();
});

test.each(["plain", "zstd"] as const)(
  "manifests and runs of entries, %s, are what was encoded, or nothing",
  async (form) => {
    const random = seededRandom(4);
    const manifest = {
      ...{ form, index: 7 as LogIndex, term: 2 as Term, timeMs: 3, rows: 4, bytes: 5 },
      digest: { a: 1, b: 2 ** 32 - 1 },
      sha256: random.bytes(32),
      chunks: [{ block: 1 as BlockId, needle: 2n as NeedleId, lengthBytes: 3, crc32c: 4 }],
    };
    const entry = (index: number): Entry => ({
      ...{ index: index as LogIndex, term: 1 as Term, timeMs: 5, kind: "command" },
      ...{ session: 9, sequence: 8, data: random.bytes(index) },
    });
    const run = [entry(4), entry(5)];
    expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest);
    expect(decodeLogRun(await encodeLogRun(run, form))).toEqual(run);
    for (const [bytes, decode] of [
      [encodeManifest(manifest), decodeManifest],
      [await encodeLogRun(run, form), decodeLogRun],
    ] as const)
      for (let bit = 0; bit < bytes.length * 8; bit += 5) {
        bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        expect(decode(bytes)).toBeUndefined();
        bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      }
  },
);
