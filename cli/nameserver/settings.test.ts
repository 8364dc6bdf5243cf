import { expect, test } from "vitest";
import { type NameserverFlags, nameserverSettings } from "./settings.ts";

const flags: NameserverFlags = {
  data: "ns",
  node: "2",
  peers: "1=10.0.0.1:7001,2=[::1]:7002,3=three:7003",
  secretFile: "secret",
};

test("peers are named by number and address, and this one listens at its own", () => {
  const { node, addresses, listen, founds } = nameserverSettings(flags);
  expect([...addresses]).toEqual([
    [1, { host: "10.0.0.1", port: 7001 }],
    [2, { host: "::1", port: 7002 }],
    [3, { host: "three", port: 7003 }],
  ]);
  expect([node, listen, founds]).toEqual([2, { host: "::1", port: 7002 }, false]);
});

test.each([
  ["a node that is not among the peers", { node: "4" }, /does not name 4/],
  ["a node of zero", { node: "0" }, /whole number from 1/],
  ["no peers", { peers: "" }, /is like 1=host:port/],
  ["an address without a port", { peers: "1=a:1,2=b" }, /no address/],
  ["a port beyond all", { peers: "2=b:70000" }, /no address/],
  ["a number twice", { peers: "2=a:1,2=b:1" }, /names 2 twice/],
  ["an address twice", { peers: "1=a:1,2=a:1" }, /names a:1 twice/],
  ["an empty folder name", { data: "" }, /empty name/],
])("%s is refused", (_, wrong, message) => {
  expect(() => nameserverSettings({ ...flags, ...wrong })).toThrow(message);
});
