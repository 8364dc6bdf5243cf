import { expect, test } from "vitest";
import type { DeviceStatus } from "../../rpc/block-service.ts";
import { ClusterState, deviceId } from "../../test/metadata/cluster-state.ts";
import { deviceAt } from "./observer.ts";

test("of a folder that was wiped the new device is shown, not the one that stood there before", async () => {
  const state = new ClusterState();
  await state.register(0, { host: "host0" }, [[0, 9]]);
  const before = await state.map();
  const [server] = before.dataservers;
  const wiped: DeviceStatus = {
    ...{ device: deviceId(0), path: "", state: "down", totalBytes: 9, freeBytes: 0 },
  };
  const address = server?.address ?? "";
  expect(deviceAt(address, { map: before, devices: [wiped] }).device?.state).toBe("down");
  await state.register(0, { host: "host0" }, [[1, 9]]);
  const fresh: DeviceStatus = { ...wiped, device: deviceId(1), state: "ok", freeBytes: 9 };
  const seen = deviceAt(address, { map: await state.map(), devices: [wiped, fresh] });
  expect(seen.device).toEqual({ state: "ok", isIn: true, totalBytes: 9, freeBytes: 9 });
});
