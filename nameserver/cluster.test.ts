import { describe, expect, test } from "vitest";
import { SimulatedClock } from "../base/clock-simulated.ts";
import type { DeviceId, ServerId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { seededRandom } from "../base/random.ts";
import type { DeviceStatus } from "../rpc/block-service.ts";
import type { Command } from "../rpc/commands.ts";
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
