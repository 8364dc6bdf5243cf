/**
 * Three nameservers in one process, whose clients lose requests and answers, send twice, and whose
 * leader is cut off again and again: whatever is asked for comes about once.
 */
import { afterEach, describe, expect, test } from "vitest";
import { sleep, systemClock } from "../base/clock.ts";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import { hasCode } from "../base/errors.ts";
import type { NodeId } from "../base/ids.ts";
import { type Random, seededRandom } from "../base/random.ts";
import { LeaderNames, type Line } from "../client/leader.ts";
import type { StatePieces } from "../nameserver/backup/state-pieces.ts";
import type { Cluster } from "../nameserver/cluster.ts";
import { Replica } from "../nameserver/group/replica.ts";
import { KeyReader } from "../nameserver/keyspace.ts";
import type { OpenBlocks } from "../nameserver/open-blocks.ts";
import { RowCache } from "../nameserver/row-cache.ts";
import { nameService } from "../nameserver/serve-names.ts";
import { StateFolder } from "../nameserver/state-folder.ts";
import { MemoryState } from "../nameserver/state-memory.ts";
import { whileLeading } from "../nameserver/while-leading.ts";
import { configurationOf } from "../raft/configuration.ts";
import { defaultSettings } from "../raft/settings.ts";
import type { Address } from "../rpc/address.ts";
import { InterruptedCall } from "../rpc/call.ts";
import { allOf, audit } from "./metadata/audit.ts";

type Method = (...args: unknown[]) => Promise<unknown>;
type Methods = Readonly<Record<string, Method>>;

const MEMBERS = [1, 2, 3] as NodeId[];
const LANES = 8;
const CHANGES = 25;
const addressOf = (node: number): Address => ({ host: "nameserver", port: node });
const secret = Buffer.alloc(32);

class Nameservers implements AsyncDisposable {
  readonly replicas = new Map<number, Replica>();
  readonly methods = new Map<number, Methods>();
  cut = 0;

  async start(): Promise<void> {
    for (const node of MEMBERS) {
      const disk = new SimulatedDisk();
      const openStore = async () => new MemoryState();
      const store = await StateFolder.open(disk, "/ns/state", openStore, false);
      const group = await Replica.open({
        ...{ disk, store, node, clock: systemClock, random: seededRandom(node * 77) },
        ...{ directory: "/ns", durability: "commit", report: () => undefined },
        founders: configurationOf({ voters: MEMBERS, learners: [] }),
        settings: { ...defaultSettings, electionMs: 150, heartbeatMs: 30 },
        send: (messages) => {
          for (const message of messages)
            setImmediate(() => {
              if (node !== this.cut && message.to !== this.cut)
                this.replicas.get(message.to)?.receive(message);
            });
        },
      });
      this.replicas.set(node, group);
      const names = nameService(
        group,
        {} as OpenBlocks,
        new RowCache(store),
        {} as StatePieces,
        {} as Cluster,
      );
      const led = whileLeading(names, group, { addressOf: (id) => id && `nameserver:${id}` });
      this.methods.set(node, led as unknown as Methods);
    }
  }

  get leader(): Replica | undefined {
    return [...this.replicas.values()].find(({ isLeader }) => isLeader);
  }

  async settled(): Promise<Replica> {
    for (;;) {
      const { leader } = this;
      const all = [...this.replicas.values()];
      if (leader !== undefined && all.every(({ applied }) => applied === leader.applied))
        return leader;
      await sleep(systemClock, 20);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.replicas.values()].map((one) => one[Symbol.asyncDispose]()));
  }
}

let group: Nameservers | undefined;
afterEach(async () => await group?.[Symbol.asyncDispose]());

const broken = (mayHaveExecuted: boolean) =>
  new InterruptedCall("Unavailable", "the connection broke", mayHaveExecuted);

/** A way to a nameserver on which much goes wrong. */
function badLine(methods: Methods, random: Random, mangle: (args: unknown[]) => unknown[]): Line {
  const chance = (share: number) => random.u32() < share * 2 ** 32;
  const over = async (name: string, args: unknown[]): Promise<unknown> => {
    const method = methods[name] as Method;
    await sleep(systemClock, random.u32() % 4);
    if (chance(0.1)) throw broken(false);
    if (chance(0.1)) throw broken(true); // it was not
    const answer = method(...mangle(args));
    if (chance(0.1)) void method(...mangle(args)).catch(() => undefined); // comes twice
    if (chance(0.2)) {
      answer.catch(() => undefined);
      throw broken(true);
    }
    return await answer;
  };
  const names = ["execute", "openSession", "closeSession"];
  const ways = names.map((name) => [name, (...args: unknown[]) => over(name, args)] as const);
  return { methods: Object.fromEntries(ways), members: async () => [], close: () => undefined };
}

/** How many times each upload that was asked for is there, and whether each answer was right. */
async function changed(seed: number, mangle: (args: unknown[]) => unknown[]) {
  group = new Nameservers();
  await group.start();
  const methodsAt = (address: Address) =>
    group?.methods.get("port" in address ? address.port : 0) ?? {};
  const random = seededRandom(seed);
  const seams = { addresses: MEMBERS.map(addressOf), secret, clock: systemClock, random };
  const good = (address: Address) => ({
    methods: methodsAt(address),
    members: async () => [],
    close: () => undefined,
  });
  await using well = new LeaderNames({ ...seams, open: good });
  await well.names.execute({ type: "createBucket", bucket: "b", owner: "me" });
  const bad = (address: Address) => badLine(methodsAt(address), random, mangle);
  await using leader = new LeaderNames({ ...seams, open: bad });
  const { names } = leader;
  const answers = new Map<string, string>();
  let open = 0;
  const live = async (lane: number) => {
    for (let i = 0; i < CHANGES; i++)
      try {
        const key = `${lane}-${i}`;
        const upload = { type: "createUpload", bucket: "b", key, attributes: {} } as const;
        const answer = await names.execute(upload);
        if (answer.type === "upload") answers.set(key, answer.upload);
      } catch (error) {
        if (!hasCode(error, "OutcomeUnknown")) throw error;
        open++;
      }
  };
  const working = Promise.all(Array.from({ length: LANES }, (_, lane) => live(lane)));
  for (let i = 0; i < 3; i++) {
    await sleep(systemClock, 150);
    group.cut = group.leader?.status.id ?? 0;
    await sleep(systemClock, 400);
    group.cut = 0;
  }
  await working;
  const { state, digest } = await group.settled();
  const made = new Map<string, string[]>();
  for (const { key } of await allOf(state, "upload")) {
    const reader = new KeyReader(key, 8);
    const name = reader.text();
    made.set(name, [...(made.get(name) ?? []), reader.u56().toString(16).padStart(14, "0")]);
  }
  await audit(state, digest);
  return { answers, made, open };
}

describe("changes of a client on bad lines", () => {
  test("come about once, and are answered with what came about", async () => {
    const { answers, made, open } = await changed(1, (args) => args);
    expect(answers.size).toBe(LANES * CHANGES - open);
    for (const [key, upload] of answers) expect(made.get(key)).toEqual([upload]);
    for (const uploads of made.values()) expect(uploads.length).toBe(1);
  }, 30_000);

  test("come about several times where their numbers get lost", async () => {
    const { made } = await changed(2, ([command]) => [command]);
    expect([...made.values()].filter(({ length }) => length > 1).length).toBeGreaterThan(10);
  }, 30_000);
});
