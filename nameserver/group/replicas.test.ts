import { afterEach, describe, expect, test } from "vitest";
import { sleep, systemClock } from "../../base/clock.ts";
import { SimulatedDisk } from "../../base/disk-simulated.ts";
import { assert, hasCode, QuarryError } from "../../base/errors.ts";
import type { NodeId, SessionId } from "../../base/ids.ts";
import { type Random, seededRandom } from "../../base/random.ts";
import { type Configuration, configurationOf, NO_MEMBERS } from "../../raft/configuration.ts";
import type { Message } from "../../raft/message.ts";
import { defaultSettings } from "../../raft/settings.ts";
import type { Once } from "../../rpc/commands.ts";
import { allOf, audit } from "../../test/metadata/audit.ts";
import { RandomCommands } from "../../test/metadata/random-commands.ts";
import type { AnyResult } from "../command.ts";
import { keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import { StateFolder } from "../state-folder.ts";
import { MemoryState } from "../state-memory.ts";
import { Replica } from "./replica.ts";

const node = (id: number) => id as NodeId;
const three = configurationOf({ voters: [1, 2, 3].map(node), learners: [] });

/** Nameservers in one process, joined by a network that can be cut. */
class Cluster implements AsyncDisposable {
  readonly replicas = new Map<number, Replica>();
  readonly #disks = new Map<number, SimulatedDisk>();
  /** The store of each folder, as it outlives its nameserver. */
  readonly #stores = new Map<string, MemoryState>();
  readonly cut = new Set<number>();
  /** Messages come so many times. */
  copies = 1;

  async start(id: number, founders: Configuration): Promise<Replica> {
    const disk = this.#disks.get(id) ?? new SimulatedDisk();
    this.#disks.set(id, disk);
    const openStore = async (folder: string, mustExist: boolean) => {
      const name = `${id}:${folder}`;
      const kept = mustExist ? this.#stores.get(name) : undefined;
      const store = kept ?? new MemoryState();
      this.#stores.set(name, store);
      return store;
    };
    const replica = await Replica.open({
      disk,
      clock: systemClock,
      random: seededRandom(id * 77),
      directory: "/ns",
      durability: "commit",
      segmentBytes: 20_000,
      checkpointBytes: 5_000,
      report: () => undefined,
      settings: { ...defaultSettings, electionMs: 150, heartbeatMs: 30, retainBytes: 20_000 },
      node: node(id),
      founders,
      store: await StateFolder.open(disk, "/ns/state", openStore, this.#wasThere(id)),
      send: (messages) => this.#carry(id, messages),
    });
    this.replicas.set(id, replica);
    return replica;
  }

  #wasThere(id: number): boolean {
    return this.#stores.has(`${id}:/ns/state/1`);
  }

  #carry(from: number, messages: readonly Message[]): void {
    if (this.cut.has(from)) return;
    for (const message of messages)
      for (let copy = 0; copy < this.copies; copy++)
        setImmediate(() => {
          if (!this.cut.has(message.to) && !this.cut.has(from))
            this.replicas.get(message.to)?.receive(message);
        });
  }

  leaveRoom(id: number, bytes: number): void {
    this.#disks.get(id)?.leaveFree(bytes);
  }

  hangSyncs(id: number, hang: boolean): void {
    this.#disks.get(id)?.hangSyncs(hang);
  }

  /** The process dies: what was not synced is lost. */
  kill(id: number): void {
    this.replicas.delete(id);
    this.#disks.get(id)?.kill();
    for (const [name, store] of this.#stores)
      if (name.startsWith(`${id}:`)) this.#stores.set(name, store.crashed());
  }

  async leader(): Promise<Replica> {
    for (;;) {
      for (const [id, replica] of this.replicas)
        if (replica.isLeader && !this.cut.has(id))
          if (
            await replica.readBarrier().then(
              () => true,
              () => false,
            )
          )
            return replica;
      await sleep(systemClock, 10);
    }
  }

  /** Proposes until somebody has applied it. Only for commands that can be given twice. */
  async propose(command: Parameters<Replica["propose"]>[0]): Promise<void> {
    for (;;) {
      try {
        await (await this.leader()).propose(command);
        return;
      } catch (error) {
        if (!(error instanceof QuarryError) || error.retry === "no") throw error;
        await sleep(systemClock, 20);
      }
    }
  }

  /** Proposes under one number, at any of them, until it is answered. */
  async once(
    command: Parameters<Replica["propose"]>[0],
    once: Once,
    random: Random = seededRandom(1),
  ): Promise<AnyResult> {
    for (;;) {
      const all = [...this.replicas.values()];
      const replica = all[random.u32() % all.length];
      try {
        if (replica !== undefined) return await replica.propose(command, once);
      } catch (error) {
        const open = hasCode(error, "OutcomeUnknown", "NotLeader", "Closed", "DiskFailed");
        if (!open) throw error;
      }
      await sleep(systemClock, 20);
    }
  }

  /** Its disk fails from now on. */
  breakDisk(id: number): void {
    this.#disks.get(id)?.failSync(() => true);
  }

  async session(): Promise<SessionId> {
    const opened = await (await this.leader()).propose({ type: "openSession" });
    assert(opened.type === "session", "a session is answered with its id");
    return opened.session;
  }

  /** Waits until all have applied what the leader has, and compares their states. */
  async agree(): Promise<void> {
    const leader = await this.leader();
    const { applied } = leader;
    for (const replica of this.replicas.values())
      while (replica.applied < applied) await sleep(systemClock, 10);
    await expect
      .poll(() => {
        const all = [...this.replicas.values()];
        const [first] = all;
        return all.every(
          ({ applied: index, digest }) =>
            index === first?.applied && digest.a === first.digest.a && digest.b === first.digest.b,
        );
      })
      .toBe(true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.replicas.values()].map((one) => one[Symbol.asyncDispose]()));
  }
}

let cluster: Cluster;
afterEach(async () => await cluster[Symbol.asyncDispose]());

const MANY = 5_000;
const bucket = (name: string) => ({ type: "createBucket", bucket: name, owner: "me" }) as const;
const upload = { type: "createUpload", bucket: "b", key: "k", attributes: {} } as const;
const has = (replica: Replica, name: string) =>
  read(replica.state, keys.bucket(name)) !== undefined;

describe("a leader without room for its log", () => {
  test("lets another one lead, and follows when there is room again", async () => {
    cluster = new Cluster();
    for (const id of [1, 2, 3]) await cluster.start(id, three);
    await cluster.propose(bucket("before"));
    const full = await cluster.leader();
    cluster.leaveRoom(full.status.id, 0);
    // It takes these on, until it finds no room for one.
    for (let i = 0; full.isLeader && i < MANY; i++) {
      full.propose(bucket(`open-${i}`)).catch(() => undefined);
      await sleep(systemClock, 1);
    }
    expect(full.isLeader).toBe(false);
    await cluster.propose(bucket("after"));
    const leader = await cluster.leader();
    expect(leader).not.toBe(full);
    expect(has(leader, "after")).toBe(true);
    cluster.leaveRoom(full.status.id, 10_000_000);
    await cluster.agree();
  });
});

test("a leader whose disk hangs lets another one lead, and follows when it answers again", async () => {
  cluster = new Cluster();
  for (const id of [1, 2, 3]) await cluster.start(id, three);
  await cluster.propose(bucket("before"));
  const hung = await cluster.leader();
  cluster.hangSyncs(hung.status.id, true);
  const open = hung.propose(bucket("open"));
  const unread = (async () => {
    while (!has(hung, "open")) await hung.readBarrier();
  })();
  await expect(open).rejects.toMatchObject({ code: "OutcomeUnknown" });
  await expect(unread).rejects.toMatchObject({ code: "NotLeader" });
  await cluster.propose(bucket("after"));
  expect(await cluster.leader()).not.toBe(hung);
  // The others decided it: they had it on their disks.
  expect(has(await cluster.leader(), "open")).toBe(true);
  cluster.hangSyncs(hung.status.id, false);
  await cluster.agree();
});

describe("three nameservers", () => {
  test("agree on random commands, and go on when the leader dies and comes back", async () => {
    cluster = new Cluster();
    for (const id of [1, 2, 3]) await cluster.start(id, three);
    const commands = new RandomCommands(seededRandom(9));
    for (const command of RandomCommands.opening()) await cluster.propose(command);
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 60; i++) {
        const command = commands.next();
        try {
          commands.saw(command, await (await cluster.leader()).propose(command));
        } catch (error) {
          if (!(error instanceof QuarryError)) throw error;
        }
      }
      const leader = await cluster.leader();
      const { id } = leader.status;
      await cluster.propose(bucket(`before-${round}`));
      cluster.kill(id);
      await cluster.propose(bucket(`after-${round}`));
      expect(has(await cluster.leader(), `before-${round}`)).toBe(true);
      await cluster.start(id, three);
      await cluster.agree();
    }
    const leader = await cluster.leader();
    for (const replica of cluster.replicas.values())
      await audit(replica.state as never, leader.digest);
  });

  test("a leader that is cut off answers no read and acknowledges nothing", async () => {
    cluster = new Cluster();
    for (const id of [1, 2, 3]) await cluster.start(id, three);
    const old = await cluster.leader();
    cluster.cut.add(old.status.id);
    const lost = old.propose(bucket("lost")).then(
      () => "acknowledged",
      () => "refused",
    );
    const stale = old.readBarrier().then(
      () => "answered",
      () => "refused",
    );
    await cluster.propose(bucket("kept"));
    expect(await stale).toBe("refused");
    cluster.cut.clear();
    expect(await lost).toBe("refused");
    await cluster.agree();
    expect(has(old, "kept")).toBe(true);
    expect(has(old, "lost")).toBe(false);
  });

  test("a leader that stays cut off says that the outcome of a change is unknown", async () => {
    cluster = new Cluster();
    for (const id of [1, 2, 3]) await cluster.start(id, three);
    const old = await cluster.leader();
    cluster.cut.add(old.status.id);
    await expect(old.propose(bucket("somewhere"))).rejects.toMatchObject({
      code: "OutcomeUnknown",
    });
    expect(old.isLeader).toBe(false);
    cluster.cut.clear();
    await cluster.agree();
  });

  test("a command is applied once, though it is given to several, and every message comes twice", async () => {
    cluster = new Cluster();
    for (const id of [1, 2, 3]) await cluster.start(id, three);
    await cluster.propose(bucket("b"));
    const session = await cluster.session();
    cluster.copies = 2;
    const random = seededRandom(5);
    let last = 0;
    for (let round = 0; round < 3; round++) {
      const asked: Promise<unknown>[] = [];
      for (let i = 0; i < 20; i++) {
        const once = { session, sequence: ++last };
        const twice = [1, 2].map(() => cluster.once(upload, once, random));
        asked.push(Promise.all(twice).then(([a, b]) => expect(a).toEqual(b)));
      }
      // The leader dies while they are on their way.
      await sleep(systemClock, 5);
      const { id } = (await cluster.leader()).status;
      cluster.kill(id);
      await Promise.all(asked);
      await cluster.start(id, three);
      await cluster.agree();
    }
    const leader = await cluster.leader();
    expect((await allOf(leader.state, "upload")).length).toBe(last);
    await audit(leader.state, leader.digest);
  });

  test("a leader whose disk fails does not say that a change was not made, and the next answers", async () => {
    cluster = new Cluster();
    for (const id of [1, 2, 3]) await cluster.start(id, three);
    await cluster.propose(bucket("b"));
    const session = await cluster.session();
    const leader = await cluster.leader();
    const { id } = leader.status;
    cluster.breakDisk(id);
    const once = { session, sequence: 1 };
    await expect(leader.propose(upload, once)).rejects.toMatchObject({ code: "OutcomeUnknown" });
    expect((await leader.failed).code).toBe("DiskFailed");
    cluster.replicas.delete(id);
    const first = await cluster.once(upload, once);
    expect(await cluster.once(upload, once, seededRandom(2))).toEqual(first);
    expect((await allOf((await cluster.leader()).state, "upload")).length).toBe(1);
    await leader[Symbol.asyncDispose]();
  });

  test("one that lagged beyond the log, and one that is new, get the state", async () => {
    cluster = new Cluster();
    for (const id of [1, 2, 3]) await cluster.start(id, three);
    const lagging = [1, 2, 3].find((id) => cluster.replicas.get(id)?.isLeader !== true) ?? 1;
    await cluster.propose(bucket("b"));
    const session = await cluster.session();
    cluster.kill(lagging);
    const first = await cluster.once(upload, { session, sequence: 1 });
    for (let i = 0; i < 400; i++) await cluster.propose(bucket(`b-${i}-${"x".repeat(40)}`));
    const leader = await cluster.leader();
    expect(leader.status.baseIndex).toBeGreaterThan(100);
    const back = await cluster.start(lagging, three);
    await cluster.agree();
    expect(has(back, `b-7-${"x".repeat(40)}`)).toBe(true);
    // What became of a command it knows from the snapshot, not from having applied it.
    expect(await back.propose(upload, { session, sequence: 1 })).toEqual(first);
    const fresh = await cluster.start(4, NO_MEMBERS);
    const members = { voters: three.voters, learners: [node(4)] };
    await (await cluster.leader()).changeMembers(members);
    await cluster.agree();
    expect(has(fresh, `b-9-${"x".repeat(40)}`)).toBe(true);
    await audit(fresh.state as never, fresh.digest);
  });
});
