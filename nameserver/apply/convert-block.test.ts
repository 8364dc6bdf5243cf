import { describe, expect, test } from "vitest";
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { ClusterState, deviceId } from "../../test/metadata/cluster-state.ts";
import { keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";

const block = 7 as BlockId;
const devices = Array.from({ length: 6 }, (_, i) => deviceId(i)) as DeviceId[];
const copies = devices.slice(0, 3);
const scheme = { k: 4, m: 2 };

async function scene(settled = true) {
  const state = new ClusterState();
  const { propose } = state;
  const at = { block, generation: 3 };
  const three = { scheme: { k: 1, m: 2 }, members: copies };
  await propose({ type: "addBlock", ...at, pool: 0, ...three });
  await propose({ type: "sealBlock", ...at });
  if (settled) await propose({ type: "settleBlock", ...at, afterMs: 0 });
  return { propose, row: () => read(state.store, keys.block(block)) };
}

const convert = {
  type: "convertBlock",
  ...{ block, from: 3, to: 4, scheme, encoding: 9 },
  layout: "striped",
  members: devices,
} as const;

describe("a settled block", () => {
  test("goes on in another layout, said once or twice, and remembers what it was until it is done", async () => {
    const { propose, row } = await scene();
    await propose(convert);
    await propose(convert);
    const after = { generation: 4, scheme, layout: "striped", members: devices, encoding: 9 };
    expect(row()).toMatchObject({
      ...{ ...after, state: "settled" },
      before: { generation: 3, members: copies },
    });
    await propose({ type: "convertedBlock", block, generation: 4 });
    await propose({ type: "convertedBlock", block, generation: 4 });
    expect(row()).toMatchObject(after);
    expect(row()?.before).toBeUndefined();
    const whole = {
      scheme: { k: 1, m: 0 },
      layout: "whole",
      encoding: 3,
      members: copies.slice(0, 1),
    } as const;
    await propose({ ...convert, from: 4, to: 5, ...whole });
    expect(row()).toMatchObject({ generation: 5, members: [copies[0]] });
    expect(row()?.layout).toBeUndefined();
  });

  test.each([
    ["of another generation", { from: 2, to: 3 }, "StaleGeneration"],
    ["two generations on", { to: 5 }, "InvalidArgument"],
    ["with a hole", { members: [...devices.slice(0, 5), null] }, "InvalidArgument"],
    ["with a device twice", { members: [...devices.slice(0, 5), devices[0]] }, "InvalidArgument"],
    ["into pieces of needles", { layout: "split" }, "InvalidArgument"],
    ["into stripes of one", { scheme: { k: 1, m: 5 } }, "InvalidArgument"],
  ] as const)("stays as it is, %s", async (_, what, code) => {
    const { propose, row } = await scene();
    await expect(
      propose({ ...convert, ...what } as unknown as typeof convert),
    ).rejects.toMatchObject({
      code,
    });
    expect(row()).toMatchObject({ generation: 3, members: copies });
  });

  test("is converted again only when it is done with the last time", async () => {
    const { propose } = await scene();
    await propose(convert);
    const again = propose({ ...convert, from: 4, to: 5, encoding: 10 });
    await expect(again).rejects.toMatchObject({ code: "InvalidArgument" });
  });
});

test("a block that is only sealed is not converted", async () => {
  const { propose } = await scene(false);
  await expect(propose(convert)).rejects.toMatchObject({ code: "InvalidArgument" });
});
