/** Two versions in one group: what an earlier one would not understand, or would make otherwise. */
import { describe, expect, test } from "vitest";
import { SimulatedClock } from "../base/clock-simulated.ts";
import type { BlobId, NodeId } from "../base/ids.ts";
import { FIRST_LEVEL, LEVEL } from "../base/version.ts";
import { deviceId, serverId } from "../test/metadata/cluster-state.ts";
import { commandEntry } from "../test/metadata/command-entry.ts";
import { type AnyCommand, decodeCommand } from "./command.ts";
import { keys } from "./keyspace.ts";
import { levelWork } from "./level-work.ts";
import { checkLevel, encodeFor, levelOf } from "./levels.ts";
import { read } from "./queries/read.ts";
import { encodeRow } from "./row-codec.ts";
import { StateMachine } from "./state-machine.ts";
import { MemoryState } from "./state-memory.ts";

const registration = {
  ...({ type: "registerDataserver", server: serverId(1), address: "h:1" } as const),
  ...{ location: { host: "h" }, version: "1" },
  devices: [{ device: deviceId(1), capacityBytes: 2 ** 40, path: "/disk" }],
} satisfies AnyCommand;

const content = { blob: 1 as BlobId, lengthBytes: 0, registered: 0, chunks: [] };
const list = { ...content, blob: 2 as BlobId };
const stream = { chunkSizeBytes: 1024 };
const put = {
  ...({ type: "putObject", bucket: "b", key: "k", content } as const),
  attributes: { etag: "e" },
} satisfies AnyCommand;
const copy = {
  ...({ type: "copyObject", bucket: "b", key: "k", change: {} } as const),
  source: { bucket: "b", key: "s", seen: { etag: "e", modifiedMs: 1 } },
} satisfies AnyCommand;

function scene(level?: number) {
  const store = new MemoryState();
  const machine = new StateMachine(store);
  const apply = async (command: AnyCommand) => {
    const [outcome] = await machine.applyRun([commandEntry(machine.applied + 1, 1, command)]);
    if (outcome !== undefined && "refusal" in outcome) throw outcome.refusal;
  };
  const propose = async (command: AnyCommand) => {
    await apply(decodeCommand(encodeFor(store, command)));
    return { type: "done" } as const;
  };
  const ready = level === undefined ? Promise.resolve() : apply({ type: "raiseLevel", level });
  return { store, apply, propose, ready };
}

describe("while an earlier version is among the members", () => {
  test("rows are as it makes them", async () => {
    const { store, propose } = scene();
    await propose(registration);
    // As the version before wrote it.
    expect(read(store, keys.device(deviceId(1)))).toEqual({
      ...{ capacityBytes: 2 ** 40, weight: 65_536, in: true },
      ...{ number: 0, server: serverId(1), place: -2 },
    });
    await propose({ type: "changeDevice", device: deviceId(1), weight: 5 });
    expect(read(store, keys.device(deviceId(1)))).not.toHaveProperty("weightBy");
    const [device] = registration.devices;
    const less = { ...device, capacityBytes: 2 ** 40 - 1 } as typeof device & object;
    await propose({ ...registration, devices: [less] });
    expect(read(store, keys.device(deviceId(1)))).toMatchObject({ capacityBytes: 2 ** 40 - 1 });
  });

  test.each<AnyCommand>([
    { type: "removeDevice", device: deviceId(1) },
    { type: "setHealing", change: {} },
    { type: "createPool", name: "p", settings: { blockBytes: 2 ** 27 } },
    { type: "changePool", pool: 0, change: { durability: "interval" } },
    { type: "changeDevice", device: deviceId(1), in: false, by: "planner" },
    { type: "changeDevice", device: deviceId(1), weight: null },
    { type: "spliceObject", bucket: "b", key: "k" },
    { ...put, list },
    { ...put, attributes: { etag: "e", stream } },
    { ...copy, list },
    { ...copy, change: { stream } },
    { type: "describeObject", bucket: "b", key: "k", change: {}, merge: { a: "1" } },
  ])("$type with what is new is not proposed", async (command) => {
    const { store, propose } = scene();
    expect(() => encodeFor(store, command)).toThrow(
      "while a nameserver of the group runs an earlier",
    );
    await propose({ type: "createPool", name: "p", settings: { pgNum: 16 } });
  });
});

describe("the level of a state", () => {
  test("is raised, never lowered, and then all is proposed as it is", async () => {
    const { store, apply, ready } = scene(LEVEL);
    await ready;
    await apply({ type: "raiseLevel", level: 1 });
    expect(levelOf(store)).toBe(LEVEL);
    expect(decodeCommand(encodeFor(store, registration))).toEqual(registration);
    await apply(registration);
    expect(read(store, keys.device(deviceId(1)))).toMatchObject({ path: "/disk" });
  });

  test("of a later version stops a member, at the entry and at a start", async () => {
    const { store, apply } = scene();
    await expect(apply({ type: "raiseLevel", level: LEVEL + 1 })).rejects.toMatchObject({
      code: "NewerFormat",
    });
    checkLevel(store);
    const bytes = Buffer.from(keys.level(), "latin1");
    const later = encodeRow(bytes, { level: LEVEL + 1 });
    await store.write([{ key: keys.level(), keyBytes: bytes, value: later }]);
    expect(() => checkLevel(store)).toThrow("install the version that the others run");
  });
});

describe("the level of a group", () => {
  function group(others: Record<number, number | undefined | "away">, own = LEVEL) {
    const { store, apply } = scene();
    const clock = new SimulatedClock();
    const told: string[] = [];
    const work = levelWork({
      group: {
        state: store,
        propose: async (command) => {
          await apply(command);
          return { type: "done" };
        },
      },
      clock,
      own: () => own,
      others: () => Object.keys(others).map((node) => Number(node) as NodeId),
      ask: async (node) => {
        const knows = others[node];
        if (knows === "away") throw new Error("away");
        return knows;
      },
      report: (words) => told.push(words),
    });
    const looks = async (count: number) => {
      for (let n = 0; n < count; n++) {
        await work.step();
        clock.advance(10_000);
      }
      return levelOf(store);
    };
    return { others, told, looks, clock, work };
  }

  test("is what all of them know, when all have said so", async () => {
    expect(await group({}).looks(1)).toBe(LEVEL);
    expect(await group({ 2: LEVEL, 3: LEVEL + 1 }).looks(1)).toBe(LEVEL);
    expect(await group({ 2: LEVEL, 3: "away" }).looks(3)).toBe(FIRST_LEVEL);
    expect(await group({ 2: LEVEL }, FIRST_LEVEL).looks(3)).toBe(FIRST_LEVEL);
  });

  test("is waited for until all have said what they know, or one that it knows less, or for long", async () => {
    const { others, looks, clock, work } = group({ 2: LEVEL, 3: "away" });
    const ends: string[] = [];
    const tell = (what: string) => work.heard().then(() => ends.push(what));
    const first = tell("first");
    await looks(1);
    await first;
    expect(ends).toEqual(["first"]);
    const second = tell("second");
    others[3] = LEVEL;
    expect(await looks(1)).toBe(LEVEL);
    await Promise.all([second, tell("third")]);
    expect(clock.waiting).toBe(0);
    const mixed = group({ 2: undefined, 3: "away" });
    await mixed.work.step();
    await mixed.work.heard();
  });

  test("waits for one that says nothing, names it once, and goes up when it is updated", async () => {
    const { others, told, looks } = group({ 2: undefined, 3: LEVEL });
    expect(await looks(4)).toBe(FIRST_LEVEL);
    expect(told).toEqual([expect.stringContaining("nameservers 2 run an earlier version")]);
    others[2] = LEVEL;
    expect(await looks(1)).toBe(LEVEL);
    expect(told.at(-1)).toContain("from now on earlier versions are refused");
  });
});
