import { describe, expect, test } from "vitest";
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { ClusterState, deviceId } from "../../test/metadata/cluster-state.ts";
import { keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";

const block = 7 as BlockId;
const [a, b, c, d] = [0, 1, 2, 3].map(deviceId) as [DeviceId, DeviceId, DeviceId, DeviceId];

async function scene(scheme: { k: number; m: number }, members: (DeviceId | null)[], open = false) {
  const state = new ClusterState();
  const { propose } = state;
  await propose({ type: "addBlock", block, generation: 3, pool: 0, scheme, members });
  if (!open) await propose({ type: "sealBlock", block, generation: 3 });
  const row = () => read(state.store, keys.block(block));
  return { propose, row };
}

describe("a member", () => {
  const move = { type: "moveMember", block, generation: 3 } as const;

  test("gives its place to another, and a hole is filled; said twice, it is done once", async () => {
    const { propose, row } = await scene({ k: 2, m: 1 }, [a, b, null]);
    await propose({ ...move, position: 2, from: null, to: c });
    await propose({ ...move, position: 0, from: a, to: d });
    await propose({ ...move, position: 0, from: a, to: d });
    expect(row()?.members).toEqual([d, b, c]);
    await propose({ ...move, position: 1, from: b, to: null });
    expect(row()?.members).toEqual([d, null, c]);
  });

  test.each([
    ["who is not there any more", { position: 0, from: b, to: d }, "Changed"],
    ["where there is no place", { position: 3, from: null, to: d }, "InvalidArgument"],
    ["who is one already", { position: 0, from: a, to: b }, "InvalidArgument"],
    ["of the generation before", { position: 0, from: a, to: d, generation: 2 }, "StaleGeneration"],
  ] as const)("does not move, %s", async (_, what, code) => {
    const { propose, row } = await scene({ k: 1, m: 2 }, [a, b, null]);
    await expect(propose({ ...move, ...what })).rejects.toMatchObject({ code });
    expect(row()?.members).toEqual([a, b, null]);
  });

  test("of an open block stays, and so does the last that is needed", async () => {
    const open = await scene({ k: 1, m: 1 }, [a, b], true);
    const moving = open.propose({ ...move, position: 0, from: a, to: c });
    await expect(moving).rejects.toThrow("is open");
    const needed = await scene({ k: 2, m: 1 }, [a, b, null]);
    const leaving = needed.propose({ ...move, position: 0, from: a, to: null });
    await expect(leaving).rejects.toThrow("cannot be read");
  });
});

describe("the number of copies", () => {
  const set = { type: "setScheme", block, generation: 3 } as const;
  const [two, three, one] = [
    { k: 1, m: 1 },
    { k: 1, m: 2 },
    { k: 1, m: 0 },
  ];

  test("grows by holes, and shrinks to those that stay", async () => {
    const { propose, row } = await scene(two, [a, b]);
    await propose({ ...set, from: two, to: three, members: [a, b, null] });
    await propose({ ...set, from: two, to: three, members: [a, b, null] });
    expect(row()).toMatchObject({ scheme: three, members: [a, b, null] });
    await propose({ ...set, from: three, to: one, members: [b] });
    expect(row()).not.toHaveProperty("scheme");
    expect(row()?.members).toEqual([b]);
  });

  test.each([
    ["from what it is not", { from: three, to: one, members: [a] }, "Changed"],
    ["with a place missing", { from: two, to: three, members: [a, b] }, "InvalidArgument"],
    ["to nobody", { from: two, to: one, members: [null] }, "InvalidArgument"],
    ["twice to the same", { from: two, to: three, members: [a, a, null] }, "InvalidArgument"],
    ["with somebody new", { from: two, to: three, members: [a, b, c] }, "Changed"],
    ["to pieces", { from: two, to: { k: 2, m: 0 }, members: [a, b] }, "InvalidArgument"],
  ] as const)("does not change %s", async (_, what, code) => {
    const { propose, row } = await scene(two, [a, b]);
    await expect(propose({ ...set, ...what })).rejects.toMatchObject({ code });
    expect(row()).toMatchObject({ scheme: two, members: [a, b] });
  });

  test("of an open block stays", async () => {
    const { propose } = await scene(two, [a, b], true);
    const setting = propose({ ...set, from: two, to: three, members: [a, b, null] });
    await expect(setting).rejects.toThrow("is open");
  });
});
