import { expect, test } from "vitest";
import type { DeviceId } from "../base/ids.ts";
import type { DeviceStatus } from "../rpc/block-service.ts";
import { placementOf } from "../rpc/placement.ts";
import { ClusterState, deviceId } from "../test/metadata/cluster-state.ts";
import { handedOut, takersOf } from "./block-choice.ts";

async function scene(hosts: number) {
  const state = new ClusterState();
  for (let host = 0; host < hosts; host++)
    await state.register(host, { host: `host${host}` }, [[host, 100]]);
  const id = await state.pool("some", { scheme: { k: 1, m: 2 }, failureDomain: "host" });
  const placement = placementOf(await state.map());
  const pool = placement.pool(id) ?? expect.fail();
  const devices = Array.from({ length: hosts }, (_, host): DeviceStatus => {
    const room = { path: "", totalBytes: 1, freeBytes: 1, state: "ok" as const };
    return { device: deviceId(host), ...room, pace: { appendMs: 5 } };
  });
  const change = (host: number, to: Partial<DeviceStatus>) =>
    devices.map((one) => (one.device === deviceId(host) ? { ...one, ...to } : one));
  const takers = (of: readonly DeviceStatus[]) => [...takersOf(placement, pool, of)].sort();
  return { devices, change, takers };
}

const ids = (...hosts: number[]): DeviceId[] => hosts.map(deviceId);
const SLOW = { pace: { appendMs: 900 } };
const UNSTEADY = { unsteadyMs: 1 };

test("a slow device gets no new blocks while the others suffice for all members", async () => {
  const many = await scene(4);
  expect(many.takers(many.devices)).toEqual(ids(0, 1, 2, 3));
  expect(many.takers(many.change(1, SLOW))).toEqual(ids(0, 2, 3));
  const few = await scene(3);
  expect(few.takers(few.change(1, SLOW))).toEqual(ids(0, 1, 2));
});

test("one that comes and goes gets none while the others are enough", async () => {
  const { takers, change } = await scene(3);
  expect(takers(change(1, UNSTEADY))).toEqual(ids(0, 2));
  const alone = change(1, UNSTEADY).map((one) =>
    one.device === deviceId(0) ? { ...one, state: "full" as const } : one,
  );
  expect(takers(alone)).toEqual(ids(1, 2));
});

test("full, failed and down ones get none in any case", async () => {
  const { takers, change } = await scene(4);
  for (const state of ["full", "failed", "down"] as const)
    expect(takers(change(3, { state }))).toEqual(ids(0, 1, 2));
});

test("of open blocks those on quick and steady devices are handed out, if there are any", async () => {
  const { change } = await scene(4);
  const block = (number: number, ...hosts: number[]) =>
    ({ block: number, members: ids(...hosts) }) as never;
  const open = [block(1, 0, 1), block(2, 1, 2), block(3, 2, 3)];
  const given = (of: readonly DeviceStatus[]) => handedOut(open, of).map((one) => one.block);
  expect(given(change(0, SLOW))).toEqual([2, 3]);
  expect(given(change(2, UNSTEADY))).toEqual([1]);
  expect(given(change(1, { state: "down" }))).toEqual([3]);
  const all = change(1, SLOW).map((one) =>
    one.device === deviceId(2) ? { ...one, ...UNSTEADY } : one,
  );
  expect(given(all)).toEqual([1, 2, 3]);
});

test("one without members is not handed out", async () => {
  const { change } = await scene(2);
  const empty = { block: 1, members: [null] } as never;
  expect(handedOut([empty], change(0, {}))).toEqual([]);
});
