import { describe, expect, test } from "vitest";
import { SimulatedClock } from "../base/clock-simulated.ts";
import type { DeviceId, ServerId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { seededRandom } from "../base/random.ts";
import { LEVEL } from "../base/version.ts";
import type { DeviceStatus } from "../rpc/block-service.ts";
import { emptyMap } from "../rpc/cluster-map.ts";
import type { Command } from "../rpc/commands.ts";
import { placementOf } from "../rpc/placement.ts";
import { commandEntry } from "../test/metadata/command-entry.ts";
import { openCluster } from "./cluster.ts";
import type { Group } from "./group/group.ts";
import { noBlocks } from "./no-blocks.ts";
import { StateMachine } from "./state-machine.ts";
import { MemoryState } from "./state-memory.ts";

type Registration = Extract<Command, { type: "registerDataserver" }>;

const TEBIBYTE = 2 ** 40;
const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const server = (n: number) => uuid(n) as ServerId;
const device = (n: number) => uuid(100 + n) as DeviceId;
const offer = (n: number, capacityBytes = TEBIBYTE) => ({ device: device(n), capacityBytes });
const status = (n: number): DeviceStatus => ({
  ...{ device: device(n), path: "", totalBytes: TEBIBYTE, freeBytes: 1, state: "ok" },
});

const first: Registration = {
  type: "registerDataserver",
  server: server(1),
  address: "10.0.0.1:7101",
  location: { rack: "r1", host: "h1" },
  version: "1",
  devices: [offer(1), offer(2)],
};
const second: Registration = { ...first, server: server(2), address: "10.0.0.2:7101", devices: [] };

function scene() {
  const store = new MemoryState();
  const machine = new StateMachine(store);
  const clock = new SimulatedClock();
  const run = async (command: Command) => {
    if (machine.applied === 0)
      await machine.applyRun([commandEntry(1, 1, { type: "raiseLevel", level: LEVEL })]);
    const [outcome] = await machine.applyRun([commandEntry(machine.applied + 1, 1, command)]);
    if (outcome !== undefined && "refusal" in outcome) throw outcome.refusal;
    return outcome?.result;
  };
  const group = { state: store, applied: 0 } as unknown as Group;
  const options = { clock, random: seededRandom(1), blocks: noBlocks, report: () => {} };
  return { run, clock, machine, cluster: openCluster(options, group) };
}

describe("the cluster map", () => {
  test("has an epoch that every change raises, and nothing else", async () => {
    const { run, machine, cluster } = scene();
    expect(await cluster.answer(0)).toEqual({ epoch: 0, down: [] });
    expect(await run(first)).toEqual({ type: "epoch", epoch: 1 });
    const { digest } = machine;
    expect(await run(first)).toEqual({ type: "epoch", epoch: 1 });
    expect(machine.digest).toEqual(digest);
    expect(await run({ ...first, address: "10.0.0.9:7101" })).toEqual({ type: "epoch", epoch: 2 });
    const { map } = await cluster.answer(1);
    expect(map?.dataservers).toMatchObject([{ server: server(1), address: "10.0.0.9:7101" }]);
    expect((await cluster.answer(2)).map).toBeUndefined();
  });

  test("numbers devices once, and weighs them by their capacity", async () => {
    const { run, cluster } = scene();
    await run(first);
    await run({ ...second, devices: [offer(3, TEBIBYTE / 2)] });
    await run({ ...first, devices: [offer(2, 2 * TEBIBYTE), offer(4, 1)] });
    const { map } = await cluster.answer(0);
    const said = map?.devices.map((one) => [one.number, one.device, one.weight, one.in]);
    expect(said).toEqual([
      [0, device(1), 65_536, true],
      [1, device(2), 131_072, true],
      [2, device(3), 32_768, true],
      [3, device(4), 1, true],
    ]);
  });

  test("what an operator weighed stays, also with another capacity, until it is taken back", async () => {
    const { run, cluster } = scene();
    await run({ ...first, devices: [offer(1)] });
    const change = (weight: number | null) =>
      run({ type: "changeDevice", device: device(1), weight });
    const weights = async () =>
      (await cluster.answer(0)).map?.devices.map(({ weight, capacityBytes }) => [
        weight,
        capacityBytes / TEBIBYTE,
      ]);
    await change(10_000);
    await run({ ...first, devices: [offer(1, 2 * TEBIBYTE)] });
    expect(await weights()).toEqual([[10_000, 2]]);
    await run({ ...second, devices: [offer(1, 2 * TEBIBYTE)] });
    expect(await weights()).toEqual([[10_000, 2]]);
    await change(null);
    expect(await weights()).toEqual([[131_072, 2]]);
    await run({ ...second, devices: [offer(1, 3 * TEBIBYTE)] });
    expect(await weights()).toEqual([[196_608, 3]]);
  });

  test("a capacity that moves a little is no change", async () => {
    const { run, cluster } = scene();
    await run({ ...first, devices: [offer(1)] });
    expect(
      await run({ ...first, devices: [offer(1, Math.floor(TEBIBYTE * 0.995))] }),
    ).toMatchObject({
      epoch: 1,
    });
    expect(await run({ ...first, devices: [offer(1, Math.floor(TEBIBYTE * 0.9))] })).toMatchObject({
      epoch: 2,
    });
    expect((await cluster.answer(0)).map?.devices).toMatchObject([{ weight: 58_982 }]);
  });

  test("another location is another host to CRUSH, another class another tree; both move blocks", async () => {
    const { run, cluster } = scene();
    const four = [1, 2, 3, 4].map((n) => ({
      ...{ ...first, server: server(n), address: `10.0.0.${n}:7101`, devices: [offer(n)] },
      location: { rack: `r${n}`, host: `h${n}` },
    }));
    for (const one of four) await run(one);
    const settings = { scheme: { k: 1, m: 1 }, failureDomain: "rack" } as const;
    await run({ type: "createPool", name: "two", settings });
    const ssd = { scheme: { k: 1, m: 0 }, deviceClass: "ssd" } as const;
    await run({ type: "createPool", name: "ssd", settings: ssd });
    const placed = async (pool: number) => {
      const { map = emptyMap } = await cluster.answer(0);
      const placement = placementOf(map);
      const of = placement.pool(pool) ?? expect.fail();
      return Array.from({ length: of.pgNum }, (_, pg) => placement.devicesOfPg(of, pg));
    };
    const before = await placed(1);
    const [one, two] = four;
    if (one === undefined || two === undefined) return expect.fail();
    // The first moves into the rack of the second: no block is on both from now on.
    await run({ ...one, location: { rack: "r2", host: "h1" } });
    const after = await placed(1);
    const both = (of: typeof after) =>
      of.filter((pg) => pg.includes(device(1)) && pg.includes(device(2))).length;
    expect([both(before) > 0, both(after)]).toEqual([true, 0]);
    const { places = [] } = (await cluster.answer(0)).map ?? {};
    expect(places.filter(({ name }) => name === "h1")).toHaveLength(2);
    // Nothing is of class ssd, until the second says so.
    expect((await placed(2)).flat().filter((some) => some !== undefined)).toEqual([]);
    await run({ ...two, devices: [{ ...offer(2), class: "ssd" }] });
    expect(new Set((await placed(2)).flat())).toEqual(new Set([device(2)]));
    await run({ ...two, devices: [{ ...offer(2), class: "hdd" }] });
    expect((await placed(2)).flat().filter((some) => some !== undefined)).toEqual([]);
    // Who goes back stands where it stood, and what CRUSH says is what it said.
    await run(one);
    expect(await placed(1)).toEqual(before);
  });

  test("a device moves with its folder to another dataserver", async () => {
    const { run, cluster } = scene();
    await run(first);
    await run({ ...second, devices: [offer(1)] });
    const { map } = await cluster.answer(0);
    expect(map?.devices).toMatchObject([{ server: server(2) }, { server: server(1) }]);
  });

  test.each<[string, Partial<Registration>]>([
    ["no UUID", { server: "one" as ServerId }],
    ["an address without a port", { address: "host" }],
    ["a place with a slash", { location: { host: "a/b" } }],
    ["a capacity below nothing", { devices: [offer(1, -1)] }],
    ["too many devices", { devices: Array.from({ length: 257 }, (_, n) => offer(n)) }],
  ])("%s is refused", async (_, wrong) => {
    await expect(scene().run({ ...first, ...wrong })).rejects.toMatchObject({
      code: "InvalidArgument",
    });
  });
});

describe("who is up", () => {
  const beat = { server: server(1), address: first.address, devices: [status(1)] };

  test("is who was heard of within the time, device by device", async () => {
    const { run, clock, cluster } = scene();
    expect(await cluster.liveness.heartbeat(beat)).toMatchObject({ epoch: 0 });
    await run(first);
    clock.advance(limits.deviceDownMs);
    expect((await cluster.answer(0)).down).toEqual([device(1), device(2)]);
    const heard = await cluster.liveness.heartbeat(beat);
    expect(heard).toMatchObject({ epoch: 1, address: first.address });
    expect((await cluster.answer(1)).down).toEqual([device(2)]);
    clock.advance(limits.deviceDownMs - 1);
    expect((await cluster.answer(1)).down).toEqual([device(2)]);
    clock.advance(1);
    expect((await cluster.answer(1)).down).toEqual([device(1), device(2)]);
  });

  test("nobody is missed by a nameserver that has just started", async () => {
    const { run, clock, cluster } = scene();
    await run(first);
    clock.advance(limits.deviceDownMs - 1);
    expect((await cluster.answer(1)).down).toEqual([]);
    clock.advance(1);
    expect((await cluster.answer(1)).down).toEqual([device(1), device(2)]);
  });

  test("who says that it leaves is down at once", async () => {
    const { run, cluster } = scene();
    await run(first);
    await cluster.liveness.heartbeat(beat);
    await cluster.liveness.heartbeat({ ...beat, devices: [], leaving: true });
    expect((await cluster.answer(1)).down).toEqual([device(1), device(2)]);
    await cluster.admit({ ...first, address: "10.0.0.9:1" });
  });

  test("a heartbeat from elsewhere is none", async () => {
    const { run, clock, cluster } = scene();
    await run(first);
    clock.advance(limits.deviceDownMs);
    const elsewhere = { ...beat, address: "10.0.0.9:7101" };
    const told = await cluster.liveness.heartbeat(elsewhere);
    expect(told.address).toBe(first.address);
    expect((await cluster.answer(1)).down).toEqual([device(1), device(2)]);
  });

  test("a device that another dataserver serves is refused, until that one tells of it no more", async () => {
    const { run, clock, cluster } = scene();
    await run({ ...first, devices: [{ ...offer(1), path: "/disks/a" }, offer(2)] });
    await run(second);
    await cluster.liveness.heartbeat({ ...beat, devices: [status(1), status(2)] });
    const taking = { ...second, devices: [{ ...offer(1), path: "/copy" }] };
    await expect(cluster.admit(taking)).rejects.toThrow(
      "/copy is device 00000000-0000-4000-8000-000000000101, which the dataserver at 10.0.0.1:7101 serves at /disks/a",
    );
    await cluster.admit(first);
    clock.advance(limits.heartbeatMs);
    await cluster.liveness.heartbeat({ ...beat, devices: [status(2)] });
    await cluster.admit(taking);
  });

  test("what a dataserver tells of a device that moved away from it does not count", async () => {
    const { run, cluster } = scene();
    await run(first);
    await cluster.liveness.heartbeat({ ...beat, devices: [status(1), status(2)] });
    await run({ ...second, devices: [offer(1)] });
    await cluster.liveness.heartbeat({ ...beat, server: server(2), address: second.address });
    await cluster.liveness.heartbeat({
      ...beat,
      devices: [{ ...status(1), state: "failed" }, status(2)],
    });
    const states = (await cluster.liveness.devices()).map(({ state }) => state);
    expect(states).toEqual(["ok", "ok"]);
  });

  test("a copy of a folder waits until the first is down", async () => {
    const { run, clock, cluster } = scene();
    await run(first);
    await cluster.liveness.heartbeat(beat);
    await cluster.admit(first);
    await expect(cluster.admit({ ...first, address: "10.0.0.9:1" })).rejects.toMatchObject({
      code: "Locked",
    });
    clock.advance(limits.deviceDownMs);
    await cluster.admit({ ...first, address: "10.0.0.9:1" });
  });
});
