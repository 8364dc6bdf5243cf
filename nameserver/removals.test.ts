import { expect, test } from "vitest";
import type { BlockId, DeviceId } from "../base/ids.ts";
import type { DeviceStatus } from "../rpc/block-service.ts";
import { ClusterState, deviceId, serverId } from "../test/metadata/cluster-state.ts";
import { auditCluster } from "./audit/audit-cluster.ts";
import { keys } from "./keyspace.ts";
import { read } from "./queries/read.ts";
import { type Removal, type RemovalOptions, remove } from "./removals.ts";

const out = (device: DeviceId) => ({ type: "changeDevice", device, in: false }) as const;
const addBlock = (block: number, ...members: DeviceId[]) =>
  ({
    ...({ type: "addBlock", block: block as BlockId, generation: 1, pool: 0 } as const),
    ...{ scheme: { k: 1, m: members.length - 1 }, members },
  }) as const;

async function scene() {
  const state = new ClusterState();
  await state.register(1, { host: "one" }, [
    [1, 100],
    [2, 100],
  ]);
  await state.register(2, { host: "two" }, [[3, 100]]);
  const up = new Set<DeviceId>();
  const heard = new Set<string>();
  const options = {
    group: { state: state.store },
    blocks: {
      devices: async () =>
        [...up].map((device) => ({ device, path: "", state: "ok" }) as DeviceStatus),
    },
    liveness: { isHeard: (server: string) => heard.has(server) },
    propose: state.propose,
  } as unknown as RemovalOptions;
  const give = (command: Removal) => remove(options, command);
  return { state, up, heard, give };
}

test("a device leaves the map when it is out, nobody serves it, and no block names it", async () => {
  const { state, up, give } = await scene();
  const device = deviceId(1);
  const command = { type: "removeDevice", device } as const;
  await state.propose(addBlock(1, device, deviceId(2)));
  await expect(give(command)).rejects.toThrow("is in: mark it out");
  up.add(device);
  await expect(give(command)).rejects.toThrow("is in: mark it out");
  up.delete(device);
  await state.propose(out(device));
  await expect(give(command)).rejects.toThrow("1 blocks still have a piece");
  await state.propose({ type: "sealBlock", block: 1 as BlockId, generation: 1 });
  await state.propose({ type: "settleBlock", block: 1 as BlockId, generation: 1, afterMs: 0 });
  await state.propose({ type: "removeBlock", block: 1 as BlockId, generation: 1 });
  up.add(device);
  await expect(give(command)).rejects.toThrow("start it without this folder");
  up.delete(device);
  await give(command);
  expect((await state.map()).devices.map((one) => one.device)).toEqual([deviceId(2), deviceId(3)]);
  await expect(give(command)).rejects.toMatchObject({ code: "NoSuchDevice" });
  // Whoever comes again is new, under a number of its own.
  await state.register(1, { host: "one" }, [[1, 100]]);
  expect(read(state.store, keys.device(device))).toMatchObject({ number: 3, in: true });
  await auditCluster({ state: state.store, problem: (what: string) => expect.fail(what) } as never);
});

test("what was seen must still be so when the command is applied", async () => {
  const { state } = await scene();
  const device = deviceId(1);
  await state.propose(out(device));
  const seen = (await state.map()).epoch;
  await state.propose({ type: "changeDevice", device, in: true });
  await state.propose(addBlock(1, device));
  await state.propose(out(device));
  const late = { type: "removeDevice", device, epoch: seen } as const;
  await expect(state.propose(late)).rejects.toMatchObject({ code: "Changed" });
  const unseen = { type: "removeDevice", device } as const;
  await expect(state.propose(unseen)).rejects.toMatchObject({ code: "Changed" });
});

test("a block takes no member that is out, or that the map does not have", async () => {
  const { state } = await scene();
  await state.propose(out(deviceId(1)));
  for (const device of [deviceId(1), deviceId(9)])
    await expect(state.propose(addBlock(1, device))).rejects.toMatchObject({
      code: "NoSuchDevice",
    });
});

test("a dataserver leaves the map when it is down and has no device", async () => {
  const { state, heard, give } = await scene();
  const command = { type: "removeDataserver", server: serverId(2) } as const;
  heard.add(serverId(2));
  await expect(give(command)).rejects.toThrow("this dataserver runs");
  heard.delete(serverId(2));
  await expect(give(command)).rejects.toThrow(`device ${deviceId(3)}: remove`);
  await state.propose(out(deviceId(3)));
  await give({ type: "removeDevice", device: deviceId(3) });
  await give(command);
  const { dataservers } = await state.map();
  expect(dataservers.map(({ server }) => server)).toEqual([serverId(1)]);
  expect(read(state.store, keys.map())).toMatchObject({ dataservers: 1, nextDevice: 3 });
});
