import { expect, test } from "vitest";
import { parseLocation, placeText } from "./location.ts";
import { type DataserverFlags, dataserverSettings } from "./settings.ts";

const flags: DataserverFlags = {
  data: ["one", "two"],
  listen: "10.0.0.1:7101",
  nameservers: "10.0.0.1:7001",
  secretFile: "secret",
  scrub: "8",
};

test("a place is typed from the region on, or only its last parts", () => {
  expect(parseLocation("eu/zone-1/rack7/host3")).toEqual({
    ...{ region: "eu", zone: "zone-1", rack: "rack7", host: "host3" },
  });
  expect(parseLocation("host3")).toEqual({ host: "host3" });
  expect(placeText(parseLocation("rack7/host3"))).toBe("rack7/host3");
});

test("a dataserver that listens everywhere says where it is reached", () => {
  expect(() => dataserverSettings({ ...flags, listen: "0.0.0.0:7101" })).toThrow(/--address/);
  const { address } = dataserverSettings({ ...flags, listen: "[::]:7101", address: "host:7101" });
  expect(address).toBe("host:7101");
  expect(dataserverSettings(flags).address).toBeUndefined();
});

test.each<[string, Partial<DataserverFlags>]>([
  ["a place of five parts", { location: "a/b/c/d/e" }],
  ["a place with nothing between slashes", { location: "a//c" }],
  ["no port", { listen: "host" }],
  ["a folder twice", { data: ["one", "one"] }],
  ["an empty name", { data: [""] }],
  ["a pace in words", { scrub: "fast" }],
  ["a capacity that would be full when it is empty", { capacity: 512 * 1024 * 1024 }],
  ["an address without a port", { address: "host" }],
])("%s is refused", (_, wrong) => {
  expect(() => dataserverSettings({ ...flags, ...wrong })).toThrow();
});
