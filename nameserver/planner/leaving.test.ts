import { expect, test } from "vitest";
import { deviceId } from "../../test/metadata/cluster-state.ts";
import type { Stock } from "../stock/stock.ts";
import type { DeviceFacts, Devices } from "./devices.ts";
import { Leaving } from "./leaving.ts";

const stock = { of: () => new Map([[1, {}]]) } as unknown as Stock;
const facts: DeviceFacts = {
  ...{ name: "osd.0", state: "ok", isIn: false, isHeard: true, address: "there" },
};
const devices = (change: Partial<DeviceFacts>): Devices =>
  new Map([[deviceId(0), { ...facts, ...change }]]);

test("what a device that is out and down had is not waited for, nor is it told to be empty", () => {
  const leaving = new Leaving();
  expect(leaving.of(devices({}), stock)).toEqual([{ device: deviceId(0), blocks: 1 }]);
  expect(leaving.emptied(devices({}), stock)).toEqual([]);
  const down = devices({ state: "down" });
  expect(leaving.of(down, stock)).toEqual([]);
  expect(leaving.emptied(down, stock)).toEqual([]);
});
