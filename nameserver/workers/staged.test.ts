/** Which files of conversions are waited for, and which were left by one that was given up. */
import { expect, test } from "vitest";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import type { BlockId, DeviceId, Term } from "../../base/ids.ts";
import type { BlockService, DeviceStatus } from "../../rpc/block-service.ts";
import { ClusterState, deviceId } from "../../test/metadata/cluster-state.ts";
import type { Group } from "../group/group.ts";
import { noBlocks } from "../no-blocks.ts";
import type { BlockRow } from "../rows.ts";
import { dropStaged, isAwaited } from "./staged.ts";

const device = "a" as DeviceId;
const staged = { block: 7 as BlockId, generation: 3, encoding: 99 };
const row: Pick<BlockRow, "generation" | "encoding" | "members"> = {
  ...{ generation: 3, encoding: 99, members: [device, "b" as DeviceId] },
};

test.each([
  ["the block is at it, and the device has not switched", row, staged, true],
  ["the block was removed", undefined, staged, false],
  ["the block never went there", { ...row, generation: 2 }, staged, false],
  ["the block went further", { ...row, generation: 4 }, staged, false],
  ["the block went there with another encoding", { ...row, encoding: 98 }, staged, false],
  ["it went there by compaction", { generation: 3, members: row.members }, staged, false],
  ["the device is no member", { ...row, members: ["b" as DeviceId] }, staged, false],
  ["its file cannot be read", row, { block: staged.block, generation: 3 }, false],
])("%s", (_, block, one, expected) => {
  expect(isAwaited(block, device, one)).toBe(expected);
});

test("what the command of a leader before speaks of is not dropped before that is in the state", async () => {
  const state = new ClusterState();
  const all = [0, 1, 2, 3].map(deviceId) as DeviceId[];
  for (const host of all.keys()) await state.register(host, { host: `h${host}` }, [[host, 1_000]]);
  const [only, ...members] = all;
  const at = { block: staged.block, generation: 2 };
  await state.propose({ type: "addBlock", ...at, pool: 0, members: [only as DeviceId] });
  await state.propose({ type: "sealBlock", ...at });
  await state.propose({ type: "settleBlock", ...at, afterMs: 0 });
  const dropped: unknown[] = [];
  const blocks: BlockService = {
    ...noBlocks,
    devices: async () =>
      all.map((one): DeviceStatus => {
        return { device: one, path: "/", totalBytes: 1e9, freeBytes: 1e9, state: "ok" };
      }),
    staged: async (one) => (one === only ? [{ ...staged, encoding: 98 }] : [staged]),
    dropStage: async (order) => void dropped.push(order.device),
  };
  const group = {
    ...{ state: state.store, term: 2 as Term, isLeader: true, timeMs: 0 },
    readBarrier: async () => {
      await state.propose({
        ...{ type: "convertBlock", block: staged.block, from: 2, to: 3, members },
        ...{ scheme: { k: 2, m: 1 }, layout: "striped", encoding: staged.encoding },
      });
    },
  };
  const worker = dropStaged({
    ...{ group: group as unknown as Group, blocks, clock: new SimulatedClock() },
    report: () => undefined,
  });
  while (await worker.step());
  expect(dropped).toEqual([only]);
});
