import { describe, expect, test } from "vitest";
import { SimulatedClock } from "../base/clock-simulated.ts";
import { QuarryError } from "../base/errors.ts";
import type { LogIndex } from "../base/ids.ts";
import { type Random, seededRandom } from "../base/random.ts";
import type { AnyCommand } from "../nameserver/command.ts";
import { StateMachine } from "../nameserver/state-machine.ts";
import { MemoryState } from "../nameserver/state-memory.ts";
import { WatchFeed } from "../nameserver/watch/feed.ts";
import {
  type WatchedChange,
  type WatchService,
  type WatchTopic,
  watchedName,
} from "../rpc/watch-service.ts";
import { commandEntry } from "../test/metadata/command-entry.ts";
import { RandomCommands } from "../test/metadata/random-commands.ts";
import { watch } from "./watch.ts";

type Copy = Map<string, unknown>;

/** Brings a change into a copy, as a watcher would. */
function bring(copy: Copy, change: WatchedChange): void {
  const { revision: _, ...what } = change;
  switch (what.type) {
    case "put":
      copy.set(what.key, what);
      break;
    case "marker":
    case "delete":
      copy.delete(what.key);
      break;
    case "bucketMade":
      copy.set(what.bucket, what.fields);
      break;
    case "bucketRemoved":
      copy.delete(what.bucket);
      break;
    case "bucketChanged": {
      const fields = { ...(copy.get(what.bucket) as object), ...what.fields };
      copy.set(
        what.bucket,
        Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== null)),
      );
      break;
    }
    case "map":
      copy.set("", what.epoch);
  }
}

const plain = (copy: Copy) => JSON.stringify([...copy].sort(([a], [b]) => (a < b ? -1 : 1)));

/** A group whose members apply one log, each at its own pace and with its own memory. */
class Group {
  readonly log: AnyCommand[] = [];
  readonly clock = new SimulatedClock();
  readonly #random: Random;
  readonly #commands: RandomCommands;
  readonly members: Member[] = [];
  readonly first: Member;
  readonly services: WatchService[];

  constructor(random: Random) {
    this.#random = random;
    this.#commands = new RandomCommands(random);
    // One knows and keeps all: what the others tell is held against it.
    this.first = new Member(this, 1 << 20);
    this.members = [5, 10, 25].map((most) => new Member(this, most));
    this.services = this.members.map((member) => this.#faulty(member));
  }

  dice(sides: number): number {
    return this.#random.u32() % sides;
  }

  async write(...commands: AnyCommand[]): Promise<void> {
    for (const command of commands) {
      this.log.push(command);
      const outcome = await this.first.apply(this.log.length);
      if (outcome !== undefined && "result" in outcome) this.#commands.saw(command, outcome.result);
    }
  }

  async work(): Promise<void> {
    for (let n = this.dice(6); n > 0; n--) await this.write(this.#commands.next());
    for (const member of this.members)
      if (this.dice(3) > 0)
        await member.apply(member.applied + this.dice(this.log.length - member.applied + 1));
  }

  #faulty(member: Member): WatchService {
    const around = async <T>(run: () => Promise<T>): Promise<T> => {
      await this.work();
      const fate = this.dice(16);
      if (fate === 0) throw new QuarryError("Unavailable", "a cut before");
      if (fate < 3) await Promise.all(this.members.map((one) => one.restart()));
      const done = run();
      done.catch(() => undefined);
      await this.work();
      for (let n = 0; n < 20; n++) await Promise.resolve();
      this.clock.advance(10_000);
      const answer = await done;
      if (fate === 3) throw new QuarryError("Unavailable", "a cut behind");
      return answer;
    };
    return {
      changes: (request) => around(() => member.feed.changes(request)),
      entries: (request) => around(() => member.feed.entries(request)),
    };
  }
}

class Member {
  readonly #group: Group;
  readonly #most: number;
  readonly #state = new MemoryState();
  #machine: StateMachine;
  feed: WatchFeed;

  constructor(group: Group, most: number) {
    this.#group = group;
    this.#most = most;
    this.feed = this.#open(0);
    this.#machine = new StateMachine(this.#state, undefined, undefined, this.feed);
  }

  get applied(): number {
    return this.#machine.applied;
  }

  async apply(upTo: number) {
    const entries = this.#group.log
      .slice(this.applied, upTo)
      .map((command, i) => commandEntry(this.applied + 1 + i, 1000, command));
    return entries.length === 0 ? undefined : (await this.#machine.applyRun(entries)).at(-1);
  }

  /** Forgets what it remembered. */
  async restart(): Promise<void> {
    this.feed[Symbol.dispose]();
    this.feed = this.#open(this.applied);
    this.#machine = new StateMachine(this.#state, undefined, undefined, this.feed);
  }

  #open(head: number): WatchFeed {
    const { clock } = this.#group;
    return new WatchFeed({
      ...{ state: this.#state, clock, head: head as LogIndex, most: this.#most },
      ...{ isLed: () => true, report: () => undefined },
    });
  }
}

/** A clock for the watcher whose pauses are over at once. */
const hasty = {
  nowMs: () => 0,
  monotonicMs: () => 0,
  after: (_: number, run: () => void) => {
    queueMicrotask(run);
    return { cancel: () => undefined };
  },
};

const one: WatchTopic = { kind: "keys", bucket: "one", prefix: "" };
const topics: WatchTopic[] = [
  one,
  { kind: "keys", bucket: "two", prefix: "b/" },
  one,
  { kind: "buckets" },
];

describe("a watcher of members that lag, forget, restart and fail", () => {
  test.each([1, 2, 3, 4, 6])("has the state of every revision it is told of (%i)", async (seed) => {
    const group = new Group(seededRandom(seed));
    await group.write(...RandomCommands.opening());
    for (let n = 0; n < 20; n++) await group.work();
    const topic = topics[seed % topics.length] ?? topics[0];
    if (topic === undefined) throw new Error("no topic");
    const copy: Copy = new Map();
    const ending = new AbortController();
    const { signal } = ending;
    const counts = { reset: 0, entry: 0, change: 0, synced: 0, progress: 0 };
    /** Changes since the last `synced`, and from where. */
    let since: WatchedChange[] = [];
    /** At which revision an entry showed a name. */
    const shownAt = new Map<string, number>();
    let syncedAt: number | undefined;
    let last = 0;
    const check = async (revision: LogIndex) => {
      const all = await group.first.feed.changes({
        topic,
        after: 0 as LogIndex,
        limit: 1000,
        waitMs: 0,
      });
      const model: Copy = new Map();
      for (const change of all.changes) if (change.revision <= revision) bring(model, change);
      expect(plain(copy)).toBe(plain(model));
      if (syncedAt === undefined) return;
      const from = syncedAt;
      const expected = all.changes.filter((c) => c.revision > from && c.revision <= revision);
      expect(since).toEqual(expected);
    };
    const limit = 1 + group.dice(3);
    for await (const event of watch({
      members: group.services,
      clock: hasty,
      topic,
      limit,
      signal,
    })) {
      counts[event.type]++;
      switch (event.type) {
        case "reset":
          copy.clear();
          shownAt.clear();
          syncedAt = undefined;
          last = 0;
          break;
        case "entry":
          expect(copy.has(watchedName(event.change))).toBe(false);
          shownAt.set(watchedName(event.change), event.change.revision);
          bring(copy, event.change);
          break;
        case "change":
          expect(event.change.revision).toBeGreaterThan(last);
          last = event.change.revision;
          // What an entry showed is not told again, and only what is there goes.
          expect(last).toBeGreaterThan(shownAt.get(watchedName(event.change)) ?? 0);
          if (event.change.type === "delete") expect(copy.has(event.change.key)).toBe(true);
          since.push(event.change);
          bring(copy, event.change);
          break;
        case "synced":
          syncedAt = undefined;
          await check(event.revision);
          since = [];
          syncedAt = event.revision;
          break;
        case "progress":
          await check(event.revision);
      }
      if (counts.synced > 5) ending.abort();
    }
    expect(counts.entry).toBeGreaterThan(counts.synced);
    expect(counts.change).toBeGreaterThan(0);
  });
});

describe("a watcher", () => {
  const topic: WatchTopic = { kind: "buckets" };
  const made = (name: string): AnyCommand => ({ type: "createBucket", bucket: name, owner: "me" });

  test("goes on from a revision where another one stopped, without reading", async () => {
    const group = new Group(seededRandom(1));
    await group.write(made("a"), made("b"), made("c"));
    const members = [group.first.feed];
    const told: unknown[] = [];
    for await (const event of watch({ members, clock: hasty, topic, from: 1 as LogIndex })) {
      told.push(event.type === "change" ? event.change.revision : event);
      if (told.length === 2) break;
    }
    expect(told).toEqual([2, 3]);
  });

  test("asks those that remember more before it reads anew", async () => {
    const group = new Group(seededRandom(1));
    await group.write(made("a"), made("b"));
    const [forgetful] = group.members;
    await forgetful?.apply(2);
    await forgetful?.restart();
    const members = [forgetful?.feed ?? group.first.feed, group.first.feed];
    const events = watch({ members, clock: hasty, topic, from: 0 as LogIndex });
    expect((await events.next()).value).toMatchObject({ type: "change", change: { revision: 1 } });
    await events.return();
    const alone = watch({ members: members.slice(0, 1), clock: hasty, topic, from: 0 as LogIndex });
    const told = [];
    for (let n = 0; n < 4; n++) told.push((await alone.next()).value?.type);
    expect(told).toEqual(["reset", "entry", "entry", "synced"]);
  });

  test("fails with the reason when nobody answers for long, and at once when asking again is of no use", async () => {
    let nowMs = 0;
    const clock = { ...hasty, monotonicMs: () => (nowMs += 100) };
    const refusing = (code: "Unavailable" | "Protocol") => {
      const no = async () => {
        throw new QuarryError(code, "no");
      };
      return { changes: no, entries: no };
    };
    const first = async (member: WatchService) =>
      await watch({
        members: [member],
        clock,
        topic,
        from: 1 as LogIndex,
        patienceMs: 1000,
      }).next();
    await expect(first(refusing("Unavailable"))).rejects.toMatchObject({ code: "Unavailable" });
    expect(nowMs).toBeGreaterThanOrEqual(1000);
    nowMs = 0;
    await expect(first(refusing("Protocol"))).rejects.toMatchObject({ code: "Protocol" });
    expect(nowMs).toBeLessThan(300);
  });

  test("ends when it is told to, also while it waits", async () => {
    const silent = {
      changes: () => new Promise<never>(() => {}),
      entries: () => new Promise<never>(() => {}),
    };
    const ending = new AbortController();
    const { signal } = ending;
    const events = watch({ members: [silent], clock: hasty, topic, signal, from: 1 as LogIndex });
    const next = events.next();
    ending.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  });
});
