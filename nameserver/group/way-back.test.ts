import { afterEach, describe, expect, test } from "vitest";
import { sleep, systemClock } from "../../base/clock.ts";
import { SimulatedDisk } from "../../base/disk-simulated.ts";
import { hasCode, QuarryError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import { type Random, seededRandom } from "../../base/random.ts";
import { configurationOf } from "../../raft/configuration.ts";
import type { Message } from "../../raft/message.ts";
import { defaultSettings } from "../../raft/settings.ts";
import { audit } from "../../test/metadata/audit.ts";
import { RandomCommands } from "../../test/metadata/random-commands.ts";
import type { AnyCommand, AnyResult } from "../command.ts";
import { keys, tags } from "../keyspace.ts";
import { openStateFolder } from "../open-state.ts";
import { read } from "../queries/read.ts";
import { MemoryState } from "../state-memory.ts";
import { Replica } from "./replica.ts";

const three = configurationOf({ voters: [1, 2, 3] as NodeId[], learners: [] });
const SEEDS = [1, 2, 3];

/** Three nameservers in one process, whose folders can be harmed. */
class Group implements AsyncDisposable {
  readonly replicas = new Map<number, Replica>();
  readonly disks = new Map([1, 2, 3].map((id) => [id, new SimulatedDisk()]));
  readonly reports: string[] = [];
  readonly #stores = new Map<string, MemoryState>();
  readonly #random: Random;
  readonly #commands: RandomCommands;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#commands = new RandomCommands(seededRandom(seed));
  }

  disk(id: number): SimulatedDisk {
    const disk = this.disks.get(id);
    if (disk === undefined) throw new Error(`no nameserver ${id}`);
    return disk;
  }

  async start(id: number, mayRejoin = true): Promise<Replica> {
    const disk = this.disk(id);
    const mustExist = this.#stores.has(`${id}:/ns/state/1`);
    const openState = async (folder: string, must: boolean) => {
      const name = `${id}:${folder}`;
      const store = (must ? this.#stores.get(name) : undefined) ?? new MemoryState();
      this.#stores.set(name, store);
      return store;
    };
    const report = (message: string) => this.reports.push(message);
    const state = { disk, directory: "/ns/state", openState, mustExist, mayRejoin, report };
    const replica = await Replica.open({
      ...{ disk, clock: systemClock, random: seededRandom(id), directory: "/ns", report },
      ...{ durability: "commit", segmentBytes: 8_000, checkpointBytes: 5_000, mustExist },
      settings: { ...defaultSettings, electionMs: 150, heartbeatMs: 30, retainBytes: 10_000 },
      ...{ node: id as NodeId, founders: three, mayRejoin: () => mayRejoin },
      store: await openStateFolder(state),
      send: (messages) => this.#carry(id, messages),
    });
    this.replicas.set(id, replica);
    return replica;
  }

  #carry(from: number, messages: readonly Message[]): void {
    for (const message of messages)
      setImmediate(() => {
        if (this.replicas.has(from)) this.replicas.get(message.to)?.receive(message);
      });
  }

  /** The process dies; what its state had not made durable is lost. */
  kill(id: number): void {
    this.replicas.delete(id);
    this.disk(id).kill();
    for (const [name, store] of this.#stores)
      if (name.startsWith(`${id}:`)) this.#stores.set(name, store.crashed());
  }

  /** The rows of a member's state as its folder has them. */
  state(id: number): MemoryState {
    const number = this.disk(id).contentOf("/ns/state/current").toString().trim();
    const store = this.#stores.get(`${id}:/ns/state/${number}`);
    if (store === undefined) throw new Error(`nameserver ${id} has no state`);
    return store;
  }

  async leader(): Promise<Replica> {
    for (;;) {
      for (const replica of this.replicas.values()) if (replica.isLeader) return replica;
      await sleep(systemClock, 10);
    }
  }

  async follower(): Promise<number> {
    const { id: leader } = (await this.leader()).status;
    return [1, 2, 3].filter((id) => id !== leader)[this.#random.u32() % 2] ?? 0;
  }

  /** On a busy machine nobody leads now and then: what was not kept for that is proposed again. */
  async propose(command: AnyCommand): Promise<AnyResult> {
    for (;;) {
      try {
        return await (await this.leader()).propose(command);
      } catch (error) {
        if (!hasCode(error, "NotLeader")) throw error;
        await sleep(systemClock, 10);
      }
    }
  }

  async work(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const command = this.#commands.next();
      try {
        this.#commands.saw(command, await this.propose(command));
      } catch (error) {
        if (!(error instanceof QuarryError)) throw error;
      }
    }
  }

  async begin(): Promise<void> {
    for (const id of [1, 2, 3]) await this.start(id);
    for (const command of RandomCommands.opening()) await this.propose(command);
    await this.work(150);
  }

  /** All have the same state, and the vote of each is back. */
  async agree(): Promise<void> {
    await this.work(5);
    await expect
      .poll(
        () => {
          const all = [...this.replicas.values()];
          const states = all.map(({ applied, digest }) => `${applied} ${digest.a} ${digest.b}`);
          return [new Set(states).size, all.some(({ status }) => status.mustNotVote)];
        },
        { timeout: 10_000 },
      )
      .toEqual([1, false]);
    for (const { state, digest } of this.replicas.values()) await audit(state as never, digest);
  }

  /** Where records begin in a segment. */
  recordsIn(id: number, path: string): number[] {
    const bytes = this.disk(id).contentOf(path);
    const records: number[] = [];
    for (let at = bytes.indexOf("QREC"); at >= 0; at = bytes.indexOf("QREC", at + 1))
      records.push(at);
    return records;
  }

  pick<Item>(from: readonly Item[]): Item {
    const item = from[this.#random.u32() % from.length];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }

  segments(id: number): string[] {
    return this.disk(id)
      .paths()
      .filter((path) => path.startsWith("/ns/log/") && path.endsWith(".qlog"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.replicas.values()].map((one) => one[Symbol.asyncDispose]()));
  }
}

let group: Group;
afterEach(async () => await group[Symbol.asyncDispose]());

/** Turns a bit where the magic of some record stands, in the part of the file that is in use. */
function flipRecord(harmed: Group, id: number, path: string): void {
  const records = harmed.recordsIn(id, path);
  // Behind the last records nothing tells damage from a torn tail.
  harmed.disk(id).flip(path, harmed.pick(records.slice(0, -3)) + 20);
}

type Harm = readonly [name: string, harm: (harmed: Group, id: number) => void, said: RegExp];

const harms: readonly Harm[] = [
  [
    "a bit flip in an old segment",
    (harmed, id) => {
      const paths = harmed.segments(id);
      flipRecord(harmed, id, paths.find((path) => harmed.recordsIn(id, path).length > 3) ?? "");
    },
    /log is set aside/,
  ],
  [
    "a bit flip in the synced tail",
    (harmed, id) => {
      const path = harmed.segments(id).at(-1) ?? "";
      const bytes = harmed.disk(id).contentOf(path);
      harmed.disk(id).flip(path, Math.max(40, bytes.lastIndexOf("QREC") - 30));
    },
    /log is set aside/,
  ],
  [
    "a segment file that is gone",
    (harmed, id) => void harmed.disk(id).remove(harmed.pick(harmed.segments(id))),
    /log is set aside/,
  ],
  [
    "all segment files gone",
    (harmed, id) => {
      for (const path of harmed.segments(id)) void harmed.disk(id).remove(path);
    },
    /log is set aside/,
  ],
  [
    "a state that is gone",
    (harmed, id) => void harmed.disk(id).remove("/ns/state/current"),
    /state is set aside.*/s,
  ],
  [
    "a harmed head of the state",
    (harmed, id) => {
      const stored = harmed.state(id).get(tags.meta);
      if (stored !== undefined) stored[9] = (stored[9] ?? 0) ^ 4;
    },
    /state is set aside/,
  ],
];

describe("a member that finds its folder harmed comes back", () => {
  for (const [name, harm, said] of harms)
    test.each(SEEDS)(`${name} (seed %i)`, async (seed) => {
      group = new Group(seed);
      await group.begin();
      const id = await group.follower();
      // A segment that has only begun holds nothing that can be told from a torn tail.
      while (!group.segments(id).some((path) => group.recordsIn(id, path).length > 3))
        await group.work(5);
      group.kill(id);
      await group.work(10);
      harm(group, id);
      await sleep(systemClock, 1);
      await group.start(id);
      expect(group.reports.join("\n")).toMatch(said);
      await group.agree();
      // It has its vote again: the group lives with it and one other.
      const { id: leader } = (await group.leader()).status;
      const other = [1, 2, 3].find((one) => one !== id && one !== leader) ?? leader;
      group.kill(other);
      await group.work(5);
    });

  test.each(SEEDS)("a row that is harmed while it runs (seed %i)", async (seed) => {
    group = new Group(seed);
    await group.begin();
    const email = "harmed@example.com";
    const user = (id: string) =>
      ({ type: "putUser", user: { id, displayName: id, email } }) as const;
    await (await group.leader()).propose(user("first"));
    const id = await group.follower();
    const replica = group.replicas.get(id);
    await expect.poll(() => replica && read(replica.state, keys.email(email))).toBeDefined();
    // Another buffer: decoded rows are remembered by theirs.
    const key = keys.email(email);
    const stored = Buffer.from(group.state(id).get(key) ?? "");
    stored[9] = (stored[9] ?? 0) ^ 4;
    await group.state(id).write([{ key, keyBytes: Buffer.from(key, "latin1"), value: stored }]);
    const second = (await group.leader()).propose(user("second"));
    await expect(second).rejects.toMatchObject({ code: "UserExists" });
    const failure = await replica?.failed;
    expect(failure?.message).toMatch(/fails its checksum.*sets its state aside/s);
    group.kill(id);
    await group.start(id);
    expect(group.reports.join("\n")).toMatch(/state is set aside/);
    await group.agree();
  });

  test.each(SEEDS)("a sync that fails (seed %i)", async (seed) => {
    group = new Group(seed);
    await group.begin();
    const id = group.pick([1, 2, 3]);
    const replica = group.replicas.get(id);
    group.disk(id).failSync((path) => path.endsWith(".qlog"));
    await group.work(3);
    const failure = await replica?.failed;
    expect(hasCode(failure, "DiskFailed")).toBe(true);
    expect(failure?.message).toMatch(/sync of .* failed.*see to the disk/s);
    group.disk(id).failSync(undefined);
    group.kill(id);
    await group.work(10);
    await group.start(id);
    await group.agree();
  });
});

test.each(SEEDS)(
  "a kill between installing a state and emptying the log is no harm (seed %i)",
  async (seed) => {
    group = new Group(seed);
    await group.begin();
    const id = await group.follower();
    group.kill(id);
    await group.work(200);
    const disk = group.disk(id);
    // The first segment that it begins is the one behind the state that it is sent.
    disk.failSync((path) => path.endsWith(".qlog.new"));
    await (await group.start(id)).failed;
    expect(disk.contentOf("/ns/state/current").toString()).toBe("2\n");
    disk.failSync(undefined);
    group.kill(id);
    group.reports.length = 0;
    const { status } = await group.start(id);
    expect([status.mustNotVote, ...group.reports]).toEqual([false]);
    await group.agree();
  },
);

describe("a member that must not come back by itself says so", () => {
  test("when it is alone", async () => {
    group = new Group(1);
    await group.begin();
    const id = await group.follower();
    group.kill(id);
    flipRecord(group, id, group.segments(id)[0] ?? "");
    await expect(group.start(id, false)).rejects.toThrow(/restore the nameserver's folder/);
  });

  test("when its vote is harmed, or gone", async () => {
    group = new Group(2);
    await group.begin();
    const id = await group.follower();
    group.kill(id);
    group.disk(id).flip("/ns/vote", 9);
    await expect(group.start(id)).rejects.toThrow(/whom it voted for/);
    await group.disk(id).remove("/ns/vote");
    await expect(group.start(id)).rejects.toThrow(/Remove it from the group/);
  });
});
