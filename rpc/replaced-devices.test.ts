import { expect, test } from "vitest";
import type { DeviceId, ServerId } from "../base/ids.ts";
import { type ClusterMap, emptyMap, type MappedDevice } from "./cluster-map.ts";
import { replacedDevices } from "./replaced-devices.ts";

function device(number: number, server: string, path?: string): MappedDevice {
  return {
    ...{ device: `d${number}` as DeviceId, number, server: server as ServerId, in: true },
    ...{ capacityBytes: 1, weight: 1, ...(path !== undefined && { path }) },
  };
}
const server = (name: string, address: string) => ({
  ...{ server: name as ServerId, address, location: { host: "h" }, version: "1" },
});
const map = (devices: MappedDevice[]): ClusterMap => ({
  ...emptyMap,
  dataservers: [server("a", "one:1"), server("wiped", "one:1"), server("b", "two:1")],
  devices,
});
const said = (devices: MappedDevice[]) =>
  replacedDevices(map(devices)).map(({ old, now }) => `${old.device} ${now.device}`);

test("of devices at one path of a dataserver the newest is there, also when that is new itself", () => {
  expect(said([device(0, "a", "/x"), device(1, "a", "/y"), device(2, "a", "/x")])).toEqual([
    "d0 d2",
  ]);
  expect(said([device(0, "a", "/x"), device(3, "wiped", "/x"), device(4, "a", "/x")])).toEqual([
    "d0 d4",
    "d3 d4",
  ]);
});

test("the same path elsewhere is another, and who named none is not spoken of", () => {
  expect(said([device(0, "a", "/x"), device(1, "b", "/x")])).toEqual([]);
  expect(said([device(0, "a"), device(1, "a"), device(2, "a", "/x")])).toEqual([]);
});
