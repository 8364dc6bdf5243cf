import { expect, test } from "vitest";
import { type NameserverFlags, nameserverSettings } from "./settings.ts";

const flags: NameserverFlags = {
  data: "ns",
  node: "2",
  peers: "1=10.0.0.1:7001,2=[::1]:7002,3=three:7003",
  secretFile: "secret",
};

test("peers are named by number and address", () => {
  const { node, addresses, listen, founds } = nameserverSettings(flags);
  expect([...(addresses ?? [])]).toEqual([
    [1, { host: "10.0.0.1", port: 7001 }],
    [2, { host: "::1", port: 7002 }],
    [3, { host: "three", port: 7003 }],
  ]);
  expect([node, listen, founds]).toEqual([2, undefined, false]);
});

test.each([
  ["a node that is not among the peers", { node: "4" }, /does not name 4/],
  ["a node of zero", { node: "0" }, /whole number from 1/],
  ["no peers", { peers: "" }, /is like 1=host:port/],
  ["an address without a port", { peers: "1=a:1,2=b" }, /no address/],
  ["a port beyond all", { peers: "2=b:70000" }, /no address/],
  ["a number twice", { peers: "2=a:1,2=b:1" }, /names 2 twice/],
  ["an address twice", { peers: "1=a:1,2=a:1" }, /names a:1 twice/],
  ["joining and founding at once", { join: "a:1", listen: "b:1" }, /--join is for a nameserver/],
  ["a learner that does not join", { learner: true }, /--learner and --replace say how/],
  ["an empty folder name", { data: "" }, /empty name/],
])("%s is refused", (_, wrong, message) => {
  expect(() => nameserverSettings({ ...flags, ...wrong })).toThrow(message);
});

test("who joins names some of the others, and where it will be", () => {
  const joining = { data: "ns", secretFile: "secret", join: "a:1,b:2" };
  const settings = nameserverSettings({ ...joining, listen: "c:3", learner: true, replace: "2" });
  expect(settings.join).toEqual({
    servers: [
      { host: "a", port: 1 },
      { host: "b", port: 2 },
    ],
    address: { host: "c", port: 3 },
    role: "learner",
    replaces: 2,
  });
  expect(() => nameserverSettings(joining)).toThrow(/--join needs --listen/);
});

test("a folder that has its place in a group needs nothing else", () => {
  expect(nameserverSettings({ data: "/ns", secretFile: "secret" })).toEqual({
    ...{ directory: "/ns", secretFile: "secret", founds: false, grows: false },
  });
});
