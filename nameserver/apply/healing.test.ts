import { expect, test } from "vitest";
import { ClusterState, deviceId } from "../../test/metadata/cluster-state.ts";
import { keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";

test("what is said of healing is kept, what is null is as usual again", async () => {
  const { propose, store } = new ClusterState();
  const row = () => read(store, keys.healing());
  await propose({ type: "setHealing", change: { paused: true, bytesPerSecond: 1000 } });
  await propose({ type: "setHealing", change: { outAfterMs: 0 } });
  expect(row()).toEqual({ paused: true, bytesPerSecond: 1000, outAfterMs: 0 });
  await propose({ type: "setHealing", change: { paused: false, bytesPerSecond: null } });
  expect(row()).toEqual({ paused: false, outAfterMs: 0 });
  for (const change of [{ bytesPerSecond: 0 }, { outAfterMs: -1 }, { outAfterMs: 0.5 }])
    await expect(propose({ type: "setHealing", change })).rejects.toThrow();
});

test("the planner puts in only what it put out itself, and a person has the last word", async () => {
  const state = new ClusterState();
  await state.register(1, { host: "one" }, [[1, 10]]);
  const device = deviceId(1);
  const say = async (isIn: boolean, by?: "planner") => {
    await state.propose({ type: "changeDevice", device, in: isIn, ...(by && { by }) });
    const { epoch, devices } = await state.map();
    return { epoch, in: devices[0]?.in, outBy: devices[0]?.outBy };
  };
  expect(await say(false, "planner")).toEqual({ epoch: 2, in: false, outBy: "planner" });
  // Registering again at its start changes nothing.
  await state.register(1, { host: "one" }, [[1, 10]]);
  expect((await state.map()).epoch).toBe(2);
  expect(await say(true, "planner")).toEqual({ epoch: 3, in: true, outBy: undefined });
  expect(await say(true, "planner")).toMatchObject({ epoch: 3, in: true });
  expect(await say(false)).toEqual({ epoch: 4, in: false, outBy: undefined });
  expect(await say(false, "planner")).toMatchObject({ epoch: 4, outBy: undefined });
  expect(await say(true, "planner")).toMatchObject({ epoch: 4, in: false });
  expect(await say(true)).toMatchObject({ epoch: 5, in: true });
  await say(false, "planner");
  // Out for good, says a person.
  expect(await say(false)).toMatchObject({ in: false, outBy: undefined });
});
