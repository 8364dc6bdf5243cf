/** The end of a conversion whose members before are all away. */
import { expect, test } from "vitest";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import { QuarryError } from "../../base/errors.ts";
import type { BlockId, Term } from "../../base/ids.ts";
import type { BlockService, DeviceStatus } from "../../rpc/block-service.ts";
import { ClusterState, deviceId } from "../../test/metadata/cluster-state.ts";
import type { AnyCommand } from "../command.ts";
import type { Group } from "../group/group.ts";
import { noBlocks } from "../no-blocks.ts";
import type { BlockRow } from "../rows.ts";
import { finishConversion } from "./conversion-end.ts";

const block = 5 as BlockId;
const [only, ...others] = [0, 1, 2, 3].map(deviceId);

test("waits for the only member before while it is in, and goes on without it when it was put out", async () => {
  const state = new ClusterState();
  for (const host of [0, 1, 2, 3])
    await state.register(host, { host: `h${host}` }, [[host, 1_000]]);
  const proposed: AnyCommand[] = [];
  const said: string[] = [];
  const blocks: BlockService = {
    ...noBlocks,
    devices: async () =>
      [only, ...others].map(
        (device): DeviceStatus => ({
          ...{ device: device as (typeof others)[0], path: "/", totalBytes: 1e9, freeBytes: 1e9 },
          state: device === only ? "down" : "ok",
        }),
      ),
    switchGeneration: async () => undefined,
    inventory: async () => ({ rows: new Uint8Array(0), digest: 0n }) as never,
  };
  const group = {
    ...{ state: state.store, term: 1 as Term, isLeader: true, timeMs: 0 },
    propose: async (command: AnyCommand) => {
      proposed.push(command);
      return { type: "done" } as const;
    },
  };
  const context = {
    ...{ group: group as unknown as Group, blocks, clock: new SimulatedClock() },
    report: (text: string) => said.push(text),
  };
  const row = {
    ...{ state: "settled", generation: 2, layout: "striped", scheme: { k: 2, m: 1 } },
    ...{ members: others, before: { generation: 1, members: [only] } },
  } as unknown as BlockRow;
  await expect(finishConversion(context, block, row)).rejects.toMatchObject({
    code: "Unavailable",
  });
  expect(proposed).toEqual([]);
  await state.propose({ type: "changeDevice", device: deviceId(0), in: false });
  await finishConversion(context, block, row);
  expect(proposed).toEqual([{ type: "convertedBlock", block, generation: 2 }]);
  expect(said).toEqual([expect.stringContaining("goes on without its members before")]);
});

/** Each has one of the generations, and knows of one removal. */
async function scene(generations: ReadonlyMap<unknown, number>, lost?: unknown) {
  const state = new ClusterState();
  for (const host of [0, 1, 2, 3])
    await state.register(host, { host: `h${host}` }, [[host, 1_000]]);
  const now = new Map(generations);
  const switched = new Map<unknown, bigint[]>();
  const retired: unknown[] = [];
  const proposed: AnyCommand[] = [];
  const at = ({ device, generation }: { device: unknown; generation: number }) => {
    if (device === lost) throw new QuarryError("Unavailable", "its dataserver is down");
    if (!now.has(device)) throw new QuarryError("NoSuchBlock", "not here");
    if (now.get(device) !== generation) throw new QuarryError("StaleGeneration", "another one");
  };
  const blocks: BlockService = {
    ...noBlocks,
    devices: async () =>
      [lost].flatMap((device) =>
        device === undefined ? [] : [{ device, state: "down" } as DeviceStatus],
      ),
    switchGeneration: async ({ device, generation, removed = new Uint8Array(0) }) => {
      if (device === lost) throw new QuarryError("Unavailable", "its dataserver is down");
      if (now.get(device) === generation) return;
      now.set(device, generation);
      switched.set(device, [...new BigUint64Array(Uint8Array.from(removed).buffer)].sort());
    },
    remove: async () => undefined,
    retire: async (order) => {
      at(order);
      retired.push(order.device);
    },
    inventory: async (order) => {
      at(order);
      const rows = Buffer.alloc(16);
      rows.writeBigUInt64LE(BigInt([only, ...others].indexOf(order.device) + 1));
      return { rows, digest: 0n } as never;
    },
  };
  const propose = async (command: AnyCommand) => {
    proposed.push(command);
    return { type: "done" };
  };
  const context = {
    ...{ group: { state: state.store, propose } as unknown as Group, blocks },
    ...{ clock: new SimulatedClock(), report: () => undefined },
  };
  const row = {
    ...{ state: "settled", generation: 2, layout: "striped", scheme: { k: 2, m: 1 } },
    ...{ members: others, before: { generation: 1, members: [only, others[0]] } },
  } as unknown as BlockRow;
  const end = await finishConversion(context, block, row).catch((error: unknown) => error);
  return { switched, retired, proposed, end };
}

test("no member switches before it is told what the members before know to be removed", async () => {
  const before = [only, others[0]].map((device) => [device, 1] as const);
  const { switched, retired } = await scene(new Map(before));
  expect([...switched]).toEqual(others.map((device) => [device, [1n, 2n]]));
  expect(retired).toEqual([only]);
});

test("one that switched, and was replaced as a member since, does not keep it from its end", async () => {
  const { switched, retired, proposed } = await scene(
    new Map([
      [only, 2],
      [others[0], 2],
    ]),
  );
  expect([...switched]).toEqual(others.slice(1).map((device) => [device, [1n, 2n]]));
  expect(retired).toEqual([]);
  expect(proposed).toEqual([{ type: "convertedBlock", block, generation: 2 }]);
});

test("one that is lost keeps none of the others from switching: from these it is made anew", async () => {
  const before = [only, others[0]].map((device) => [device, 1] as const);
  const { switched, retired, proposed, end } = await scene(new Map(before), others[0]);
  expect([...switched]).toEqual(others.slice(1).map((device) => [device, [1n]]));
  expect([retired, proposed]).toEqual([[], []]);
  expect(end).toMatchObject({ code: "Unavailable" });
});
