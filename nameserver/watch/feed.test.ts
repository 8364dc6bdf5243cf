import { describe, expect, test } from "vitest";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import type { LogIndex, ServerId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { seededRandom } from "../../base/random.ts";
import { Compacted } from "../../rpc/compacted.ts";
import type { WatchedChange, WatchTopic } from "../../rpc/watch-service.ts";
import { commandEntry } from "../../test/metadata/command-entry.ts";
import { RandomCommands } from "../../test/metadata/random-commands.ts";
import type { AnyCommand } from "../command.ts";
import { type Key, KeyReader, prefixEnd, tags } from "../keyspace.ts";
import { decodeRow } from "../row-codec.ts";
import type { BucketRow, NameRow } from "../rows.ts";
import { StateMachine } from "../state-machine.ts";
import { MemoryState } from "../state-memory.ts";
import { versionText } from "../version-id.ts";
import { WatchFeed } from "./feed.ts";
import { History } from "./history.ts";

const at = (n: number) => n as LogIndex;
const keysOf = (bucket: string, prefix = ""): WatchTopic => ({ kind: "keys", bucket, prefix });

function watched(more: Partial<ConstructorParameters<typeof WatchFeed>[0]> = {}) {
  const state = new MemoryState();
  const clock = new SimulatedClock();
  const reports: string[] = [];
  let isLed = true;
  const feed = new WatchFeed({
    ...{ state, clock, head: at(0), isLed: () => isLed },
    report: (message) => reports.push(message),
    ...more,
  });
  const machine = new StateMachine(state, undefined, undefined, feed);
  const run = async (...commands: AnyCommand[]) =>
    await machine.applyRun(
      commands.map((command, i) => commandEntry(machine.applied + 1 + i, 1000, command)),
    );
  const lead = (led: boolean) => {
    isLed = led;
  };
  return { state, clock, feed, machine, run, lead, reports };
}

const bucket = (name: string): AnyCommand => ({ type: "createBucket", bucket: name, owner: "me" });
const inB = (feed: WatchFeed, after: number, more = {}) =>
  feed.changes({ topic: keysOf("b"), after: at(after), limit: 100, waitMs: 0, ...more });

let blob = 1;
const put = (key: string, name = "b", etag = "e"): AnyCommand => ({
  type: "putObject",
  bucket: name,
  key,
  content: { blob: blob++ as never, lengthBytes: 0, registered: 0, chunks: [] },
  attributes: { etag },
});
const lease: AnyCommand = { type: "leaseBlobs", count: 4096 };

/** What a state shows to watchers, found by looking at all of it. */
async function shownIn(state: MemoryState) {
  const buckets = new Map<string, Record<string, unknown>>();
  const names = new Map<number, string>();
  const shown = new Map<
    string,
    { version: string; etag: string; length: number; stored: string }
  >();
  const markers = new Map<string, string>();
  const all = async (tag: string) => {
    await using cursor = state.range(tag, prefixEnd(tag));
    return await cursor.next(100_000);
  };
  for (const { key, value } of await all(tags.bucket)) {
    const { id, createdMs, objects, versions, bytes, uploads, pendingBytes, ...rest } =
      decodeRow<BucketRow>(key, value);
    const name = new KeyReader(key).text();
    names.set(id, name);
    buckets.set(name, rest);
  }
  const nameOf = (key: Key) => {
    const reader = new KeyReader(key);
    const id = reader.u56();
    return JSON.stringify([names.get(id), reader.text()]);
  };
  for (const { key, value } of await all(tags.current)) {
    const row = decodeRow<NameRow>(key, value);
    const { etag } = row.attributes;
    const stored = value.toString("hex");
    shown.set(nameOf(key), { version: versionText(row), etag, length: row.length, stored });
  }
  for (const { key, value } of await all(tags.version)) {
    const row = decodeRow<NameRow>(key, value);
    if (row.marker === true) markers.set(nameOf(key) + row.seq, versionText(row));
  }
  return { buckets, shown, markers };
}

type Shown = Awaited<ReturnType<typeof shownIn>>;

/** What one command did, as the states before and after it tell. */
function difference(revision: number, before: Shown, after: Shown): string[] {
  const changes: unknown[] = [];
  const told = new Set<string>();
  for (const [name, one] of after.shown)
    if (before.shown.get(name)?.stored !== one.stored) {
      const [inBucket, key] = JSON.parse(name);
      const { version, etag, length } = one;
      told.add(name);
      changes.push({
        revision,
        type: "put",
        bucket: inBucket,
        key,
        version,
        etag,
        lengthBytes: length,
      });
    }
  for (const [name, version] of after.markers) {
    if (before.markers.has(name)) continue;
    const of = name.slice(0, name.lastIndexOf("]") + 1);
    const [inBucket, key] = JSON.parse(of);
    told.add(of);
    changes.push({ revision, type: "marker", bucket: inBucket, key, version });
  }
  for (const name of before.shown.keys())
    if (!after.shown.has(name) && !told.has(name)) {
      const [inBucket, key] = JSON.parse(name);
      changes.push({ revision, type: "delete", bucket: inBucket, key });
    }
  for (const [name, fields] of after.buckets) {
    const old = before.buckets.get(name);
    if (old === undefined) changes.push({ revision, type: "bucketMade", bucket: name, fields });
    else if (JSON.stringify(old) !== JSON.stringify(fields)) {
      const differing = Object.keys({ ...old, ...fields }).filter((f) => old[f] !== fields[f]);
      const changed = Object.fromEntries(differing.map((f) => [f, fields[f] ?? null]));
      changes.push({ revision, type: "bucketChanged", bucket: name, fields: changed });
    }
  }
  for (const name of before.buckets.keys())
    if (!after.buckets.has(name)) changes.push({ revision, type: "bucketRemoved", bucket: name });
  return texts(changes);
}

const texts = (changes: readonly unknown[]) =>
  changes.map((one) => JSON.stringify(sorted(one))).sort();
const sorted = (value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .map(([k, v]) => [k, sorted(v)])
          .sort(),
      )
    : value;

describe("random commands", () => {
  test.each([1, 2, 3, 4])(
    "are told as the states between them differ, in any runs (%i)",
    async (seed) => {
      const commands = new RandomCommands(seededRandom(seed));
      const dice = seededRandom(seed + 100);
      const one = watched();
      const log: AnyCommand[] = [];
      const expected: string[][] = [];
      const apply = async (command: AnyCommand) => {
        const before = await shownIn(one.state);
        const [outcome] = await one.run(command);
        if (outcome !== undefined && "result" in outcome) commands.saw(command, outcome.result);
        expected.push(difference(one.machine.applied, before, await shownIn(one.state)));
        log.push(command);
      };
      for (const command of RandomCommands.opening()) await apply(command);
      for (let i = 0; i < 400; i++) {
        await apply(commands.next());
        if (i % 100 === 50) {
          await apply(bucket("three"));
          await apply(put("k", "three"));
          await apply({ type: "deleteObject", bucket: "three", key: "k" });
          await apply({ type: "deleteBucket", bucket: "three" });
        }
      }
      // The same log in runs of other lengths.
      const other = watched();
      for (let i = 0; i < log.length; ) {
        const length = 1 + (dice.u32() % 40);
        await other.run(...log.slice(i, i + length));
        i += length;
      }
      expect(other.machine.digest).toEqual(one.machine.digest);
      const topics: WatchTopic[] = ["one", "two", "three"].map((name) => keysOf(name));
      for (const { feed } of [one, other]) {
        const told: WatchedChange[] = [];
        for (const topic of [...topics, { kind: "buckets" } as const])
          for (let after = at(0), last = -1; after !== last; ) {
            last = after;
            const limit = 1 + (dice.u32() % 9);
            const answer = await feed.changes({ topic, after, limit, waitMs: 0 });
            told.push(...answer.changes);
            after = answer.revision;
          }
        const byRevision = Map.groupBy(told, ({ revision }) => revision);
        const found = expected.map((_, i) => texts(byRevision.get(at(i + 1)) ?? []));
        expect(found).toEqual(expected);
      }
      expect(expected.flat().length).toBeGreaterThan(150);
      for (const kind of ["put", "delete", "marker", "bucketChanged", "bucketRemoved"])
        expect(expected.flat().some((text) => text.includes(`"type":"${kind}"`))).toBe(true);
    },
  );
});

describe("feed", () => {
  test("a key's prefix and bucket select; refused commands tell nothing", async () => {
    const { feed, run } = watched();
    await run(
      lease,
      bucket("b"),
      bucket("c"),
      put("a/1"),
      put("a/1", "c"),
      put("b"),
      put("x", "none"),
    );
    const topic = keysOf("b", "a/");
    const { changes, revision } = await feed.changes({ topic, after: at(0), limit: 9, waitMs: 0 });
    expect(changes.map((one) => [one.revision, one.type])).toEqual([[4, "put"]]);
    expect(revision).toBe(7);
  });

  test("who waits is woken by what it wants, and by nothing else; after a while it hears how far all is", async () => {
    const { feed, run, clock } = watched();
    await run(lease, bucket("b"), bucket("c"));
    const waiting = inB(feed, 3, { waitMs: 1000 });
    const idle = feed.changes({ topic: { kind: "map" }, after: at(3), limit: 1, waitMs: 1000 });
    await run(put("k", "c"));
    expect(feed.waiters).toBe(2);
    await run(put("k"));
    expect(await waiting).toMatchObject({ revision: 5, changes: [{ revision: 5, key: "k" }] });
    expect(feed.waiters).toBe(1);
    clock.advance(1000);
    expect(await idle).toEqual({ revision: 5, changes: [] });
    expect(feed.waiters).toBe(0);
  });

  test("who is ahead of this nameserver waits until it is reached, and is never sent back", async () => {
    const { feed, run, clock } = watched();
    await run(lease, bucket("b"), put("early"));
    const ahead = inB(feed, 5, { waitMs: 1000 });
    await run(put("told elsewhere"));
    await run(put("told elsewhere, too"), put("new"));
    expect(await ahead).toMatchObject({ revision: 6, changes: [{ key: "new" }] });
    const idle = inB(feed, 9, { waitMs: 10 });
    clock.advance(10);
    expect(await idle).toEqual({ revision: 9, changes: [] });
  });

  test("only so much is remembered, by number and by bytes; who asks for more is told what there is", async () => {
    for (const bound of [{ most: 10 }, { mostBytes: 2000 }]) {
      const { feed, run } = watched(bound);
      await run(lease, bucket("b"));
      for (let i = 0; i < 30; i++) await run(put(`k${i}`));
      const error = await inB(feed, 3).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(Compacted);
      const { oldest } = error as Compacted;
      expect(oldest).toBeGreaterThan(15);
      await expect(inB(feed, oldest - 1)).rejects.toMatchObject({ code: "Compacted", oldest });
      const { changes } = await inB(feed, oldest);
      expect(changes.map(({ revision }) => revision)).toEqual(
        Array.from({ length: 32 - oldest }, (_, i) => oldest + 1 + i),
      );
    }
  });

  test("a revision is told whole, whatever the limit", () => {
    const two = (revision: number) =>
      ["a", "b"].map(
        (key) => ({ revision: at(revision), type: "delete", bucket: "b", key }) as const,
      );
    const changes = [two(2), two(3)].flat();
    const history = new History(at(1));
    history.add(changes, at(3));
    const first = history.since(at(1), () => true, 1);
    expect(first).toEqual({ revision: 2, changes: two(2) });
    expect(history.since(first.revision, () => true, 1)).toEqual({ revision: 3, changes: two(3) });
  });

  test("a state put in place of another ends what is remembered", async () => {
    const { feed, run } = watched();
    await run(lease, bucket("b"));
    const waiting = inB(feed, 2, { waitMs: 1000 });
    feed.replaced(at(50));
    await expect(waiting).rejects.toMatchObject({ code: "Compacted", oldest: 50 });
    expect(await inB(feed, 50)).toEqual({ changes: [], revision: 50 });
  });

  test("without a leader, and when closed, it refuses; those that wait are sent away", async () => {
    const { feed, run, lead, clock } = watched();
    await run(lease, bucket("b"));
    const cutOff = inB(feed, 2, { waitMs: 1000 });
    lead(false);
    await expect(inB(feed, 2)).rejects.toMatchObject({ code: "NotLeader" });
    clock.advance(1000);
    await expect(cutOff).rejects.toMatchObject({ code: "NotLeader" });
    lead(true);
    const waiting = inB(feed, 2, { waitMs: 1000 });
    feed[Symbol.dispose]();
    await expect(waiting).rejects.toMatchObject({ code: "Closed" });
    await expect(inB(feed, 2)).rejects.toMatchObject({ code: "Closed" });
  });

  test("a command of a strange shape harms nobody: watchers read anew", async () => {
    const { feed, run, reports } = watched();
    await run(lease, bucket("b"));
    const strange = { ...put("k"), attributes: {} } as AnyCommand;
    await run(strange);
    await run(put("l"));
    await expect(inB(feed, 2)).rejects.toMatchObject({ code: "Compacted", oldest: 3 });
    expect(reports).toHaveLength(1);
    expect((await inB(feed, 3)).changes).toMatchObject([{ key: "l" }]);
  });

  test("a changed setting is told with its fields, counters are not", async () => {
    const { feed, run } = watched();
    await run(lease, bucket("b"), put("k"));
    const change = { quota: { bytes: 10 }, cors: null } as const;
    await run({ type: "configureBucket", bucket: "b", change });
    await run({ type: "configureBucket", bucket: "b", change: { quota: { bytes: 10 } } });
    await run({ type: "configureBucket", bucket: "b", change: { quota: null } });
    const topic = { kind: "buckets", bucket: "b" } as const;
    const { changes } = await feed.changes({ topic, after: at(2), limit: 10, waitMs: 0 });
    expect(changes).toEqual([
      { revision: 4, type: "bucketChanged", bucket: "b", fields: { quota: { bytes: 10 } } },
      { revision: 6, type: "bucketChanged", bucket: "b", fields: { quota: null } },
    ]);
  });

  test("so many watchers wait, and no more", async () => {
    const { feed, clock } = watched({ mostWatchers: 20 });
    const all = Array.from({ length: 20 }, () => inB(feed, 0, { waitMs: 5 }));
    await expect(inB(feed, 0, { waitMs: 5 })).rejects.toMatchObject({ code: "Busy" });
    clock.advance(5);
    await Promise.all(all);
    expect(feed.waiters).toBe(0);
  });
});

describe("entries", () => {
  test("are read in pieces, each of one revision, in the order of names", async () => {
    const { feed, run, clock } = watched();
    const names = ["a", "a\0", "a/\u{1F600}", "b", "é", "\uffee"];
    await run(lease, bucket("b"), ...names.map((key) => put(key)));
    const found: string[] = [];
    for (let after: string | undefined; ; ) {
      const topic = keysOf("b");
      const page: Awaited<ReturnType<WatchFeed["entries"]>> = await feed.entries({
        ...{ topic, limit: 2, notBefore: at(8) },
        ...(after !== undefined && { after }),
      });
      expect(page.revision).toBe(8);
      for (const one of page.entries) if (one.type === "put") found.push(one.key);
      if (!page.more) break;
      after = found.at(-1);
    }
    const bytes = (text: string) => Buffer.from(text);
    expect(found).toEqual(names.toSorted((x, y) => Buffer.compare(bytes(x), bytes(y))));
    const topic = keysOf("nothing here");
    expect(await feed.entries({ topic, limit: 5, notBefore: at(0) })).toMatchObject({
      entries: [],
    });
    const buckets = await feed.entries({ topic: { kind: "buckets" }, limit: 5, notBefore: at(0) });
    expect(buckets.entries).toEqual([
      { revision: 8, type: "bucketMade", bucket: "b", fields: { owner: "me" } },
    ]);
    const late = feed.entries({ topic, limit: 5, notBefore: at(9) });
    clock.advance(limits.watchLagMs);
    await expect(late).rejects.toMatchObject({ code: "Unavailable" });
    const soon = feed.entries({ topic: keysOf("b", "z"), limit: 5, notBefore: at(9) });
    await run(put("z"));
    expect((await soon).entries).toMatchObject([{ key: "z", revision: 9 }]);
  });

  test("the cluster map is told by its epoch, when a dataserver says something new", async () => {
    const { feed, run } = watched();
    const topic = { kind: "map" } as const;
    const register = (address: string): AnyCommand => ({
      ...{
        type: "registerDataserver",
        address,
        location: { host: "h" },
        version: "1",
        devices: [],
      },
      server: "d0000000-0000-4000-8000-000000000001" as ServerId,
    });
    await run(register("a:1"), register("a:1"), register("a:2"));
    const { changes } = await feed.changes({ topic, after: at(0), limit: 5, waitMs: 0 });
    expect(changes).toEqual([
      { revision: 1, type: "map", epoch: 1 },
      { revision: 3, type: "map", epoch: 2 },
    ]);
    const { entries } = await feed.entries({ topic, limit: 5, notBefore: at(0) });
    expect(entries).toEqual([{ revision: 3, type: "map", epoch: 2 }]);
  });
});
