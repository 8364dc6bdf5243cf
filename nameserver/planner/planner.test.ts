/** The planner of a leader that is deposed, or does not lead; and that each block is worked on once. */

import { expect, test } from "vitest";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import type { BlockId, DeviceId, Term } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { BlockService, BlockStatus, DeviceStatus, Order } from "../../rpc/block-service.ts";
import { usualHealing } from "../../rpc/healing.ts";
import { placementOf } from "../../rpc/placement.ts";
import { ClusterState, deviceId } from "../../test/metadata/cluster-state.ts";
import { BlockClaims } from "../block-claims.ts";
import type { AnyCommand } from "../command.ts";
import type { Group } from "../group/group.ts";
import { keys } from "../keyspace.ts";
import { noBlocks } from "../no-blocks.ts";
import { read } from "../queries/read.ts";
import { Stock } from "../stock/stock.ts";
import { ChangedBlocks } from "./changed-blocks.ts";
import { Planner } from "./planner.ts";

const HOSTS = 4;
const block = 5 as BlockId;
const scheme = { k: 1, m: 1 };

function status(): BlockStatus {
  const counted = { needles: 1, liveBytes: 8, fileBytes: 100, digest: 1n };
  return { block, generation: 1, sealed: true, ...counted, damage: [] };
}

/** @param isDown The first member is not heard of, instead of being put out. */
async function scene(isDown = false) {
  const state = new ClusterState();
  for (let host = 0; host < HOSTS; host++)
    await state.register(host, { host: `host${host}` }, [[host, 1_024]]);
  await state.propose({ type: "changePool", pool: 0, change: { scheme, failureDomain: "host" } });
  const members = placementOf(await state.map())
    .devicesOf(block)
    .map((one) => one ?? null);
  await state.propose({ type: "addBlock", block, generation: 1, pool: 0, scheme, members });
  await state.propose({ type: "sealBlock", block, generation: 1 });
  const orders: (Order & { readonly name: string })[] = [];
  let answer = Promise.withResolvers<void>();
  const blocks: BlockService = {
    ...noBlocks,
    devices: async () =>
      Array.from({ length: HOSTS }, (_, host): DeviceStatus => {
        const room = { totalBytes: 1e9, freeBytes: 1e9 };
        const device = deviceId(host);
        const state = isDown && device === members[0] ? "down" : "ok";
        return { device, path: "/", ...room, state };
      }),
    rebuild: async (order) => {
      orders.push({ ...order, name: "rebuild" });
      await answer.promise;
      const moved = { readBytes: 1, writtenBytes: 1, lost: [], lostCount: 0, unasked: [] };
      return { status: status(), ...moved };
    },
    retire: async (order) => void orders.push({ ...order, name: "retire" }),
    blocks: async () => [status()],
  };
  const stock = new Stock();
  stock.begin(1 as Term);
  for (let host = 0; host < HOSTS; host++) {
    const device = deviceId(host);
    const isMember = members.includes(device);
    const upTo = { era: 1, number: 1 };
    stock.told(device, { blocks: isMember ? [status()] : [], gone: [], upTo, more: false });
    stock.heard(device, upTo);
  }
  const group = {
    ...{ state: state.store, term: 1 as Term, isLeader: true, timeMs: 0 },
    propose: (command: AnyCommand) => state.propose(command),
    readBarrier: async () => undefined,
  };
  const clock = new SimulatedClock();
  const planner = new Planner({
    ...{ group: group as unknown as Group, blocks, clock, stock, report: () => undefined },
    ...{ claims: new BlockClaims(), changed: new ChangedBlocks(), map: () => state.map() },
    // Rounds are those that a test asks for.
    ...{ heardMs: () => 0, seal: async () => undefined, lookMs: 2 * usualHealing.outAfterMs },
  } as unknown as ConstructorParameters<typeof Planner>[0]);
  const [gone] = members;
  if (!isDown) await state.propose({ type: "changeDevice", device: gone as DeviceId, in: false });
  return {
    ...{ planner, clock, group, orders, members, gone, propose: state.propose },
    answered: () => {
      answer.resolve();
      answer = Promise.withResolvers();
      answer.resolve();
    },
    row: () => read(state.store, keys.block(block))?.members,
    async [Symbol.asyncDispose]() {
      answer.resolve();
      await planner[Symbol.asyncDispose]();
    },
  };
}

test("a leader that is deposed while a member is made changes no member", async () => {
  await using it = await scene();
  await it.planner.round();
  expect(it.orders.map(({ name, term }) => [name, term])).toEqual([["rebuild", 1]]);
  it.group.term = 2 as Term;
  it.group.isLeader = false;
  it.answered();
  await it.planner.idle();
  expect(it.row()).toEqual(it.members);
});

test("one that leads again goes on from what is there, under its own term", async () => {
  await using it = await scene();
  await it.planner.round();
  it.group.term = 3 as Term;
  it.answered();
  await it.planner.idle();
  expect(it.row()).toEqual(it.members);
  await it.planner.round();
  await it.planner.idle();
  expect(it.orders.map(({ term }) => term)).toEqual([1, 3]);
  expect(it.row()).not.toContain(it.gone);
});

test("a block is worked on once, however often it is looked at", async () => {
  await using it = await scene();
  await it.planner.round();
  await it.planner.round();
  expect(it.orders).toHaveLength(1);
  it.answered();
  await it.planner.idle();
  expect(it.row()).not.toContain(it.gone);
  await it.planner.round();
  await it.planner.idle();
  expect(it.orders.map(({ name, device }) => [name, device])).toEqual([
    ["rebuild", it.orders[0]?.device],
    ["retire", it.gone],
  ]);
});

test("what a device held is begun with in the round in which it is put out", async () => {
  await using it = await scene(true);
  await it.planner.round();
  expect(it.orders).toEqual([]);
  // In steps: in one it would be this process that stood still.
  for (let passedMs = 0; passedMs < usualHealing.outAfterMs; passedMs += limits.awakeLookMs) {
    it.clock.advance(limits.awakeLookMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await it.planner.round();
  expect(it.orders).toMatchObject([{ name: "rebuild", block }]);
});

test("nothing begins while it is paused, and a pace is shared by what runs", async () => {
  await using it = await scene();
  await it.propose({ type: "setHealing", change: { paused: true, bytesPerSecond: 9_000_000 } });
  await it.planner.round();
  expect(it.orders).toEqual([]);
  expect(it.planner.progress().work.move).toEqual({ waiting: 1, running: 0, done: 0 });
  await it.propose({ type: "setHealing", change: { paused: null } });
  await it.planner.round();
  expect(it.orders).toMatchObject([{ bytesPerSecond: 4_500_000 }]);
  expect(it.planner.progress().work.move).toEqual({ waiting: 0, running: 1, done: 0 });
  it.answered();
  await it.planner.idle();
  expect(it.planner.progress().work).toMatchObject({ move: { done: 1 }, retire: { waiting: 1 } });
  expect(it.planner.progress().leaving).toEqual([{ device: it.gone, blocks: 1 }]);
});
