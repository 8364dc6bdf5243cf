import { expect, test } from "vitest";
import type { Clock } from "../base/clock.ts";
import type { DeviceId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { DeviceStatus } from "../rpc/block-service.ts";
import { ClusterState, deviceId } from "../test/metadata/cluster-state.ts";
import { FakeBlocks } from "../test/metadata/fake-blocks.ts";
import type { Group } from "./group/group.ts";
import { OpenBlocks } from "./open-blocks.ts";
import { withoutRepairRoom } from "./repair-full.ts";

const GIB = 2 ** 30;
const free = (n: number, freeBytes: number): DeviceStatus => ({
  ...{ device: deviceId(n), path: "", totalBytes: 100 * GIB, freeBytes, state: "ok" },
});

test("a device whose free room is kept is as good as full; one that keeps none is not", () => {
  const kept = new Map([
    [deviceId(0), 10 * GIB],
    [deviceId(1), 10 * GIB],
  ]);
  const reserve = limits.deviceReserveBytes;
  const devices = [free(0, 10 * GIB + reserve), free(1, 11 * GIB + reserve), free(2, 1)];
  const states = withoutRepairRoom(devices, kept);
  expect(states.map(({ state, keptBytes }) => [state, keptBytes])).toEqual([
    ["full", 10 * GIB],
    ["ok", undefined],
    ["ok", undefined],
  ]);
  expect(withoutRepairRoom(devices, undefined)).toBe(devices);
});

test("writes are refused before the room for a repair is gone, and taken again when it is given up", async () => {
  const state = new ClusterState();
  for (let host = 0; host < 4; host++)
    await state.register(host, { host: `host${host}` }, [[host, 100]]);
  const pool = await state.pool("some", { scheme: { k: 1, m: 2 }, failureDomain: "host" });
  const map = await state.map();
  let kept: ReadonlyMap<DeviceId, number> | undefined;
  const opened = new OpenBlocks({
    group: {
      ...{ state: state.store, propose: state.propose, readBarrier: async () => {} },
      ...{ term: 1, isLeader: true },
    } as unknown as Group,
    blocks: new FakeBlocks(...map.devices.map(({ device }) => device)),
    map: async () => map,
    clock: { nowMs: () => 1, monotonicMs: () => 1, after: () => ({ cancel() {} }) } as Clock,
    report: () => undefined,
    perDevice: 1,
    keptBytes: () => kept,
  });
  expect((await opened.get(pool)).length).toBeGreaterThan(0);
  kept = new Map(map.devices.map(({ device }) => [device, 10 * GIB]));
  const refused = opened.get(pool);
  await expect(refused).rejects.toMatchObject({ code: "DiskFull" });
  await expect(refused).rejects.toThrow(/kept so that .* can be repaired; add devices/);
  kept = undefined;
  expect((await opened.get(pool)).length).toBeGreaterThan(0);
});
