import { expect, test } from "vitest";
import { type ServeFlags, settingsFrom } from "./settings.ts";

const flags: ServeFlags = {
  host: "127.0.0.1",
  port: "9000",
  region: "us-east-1",
  durability: "commit",
  hold: "3600",
  scrub: "8",
  logLevel: "info",
};

test.each<[Partial<ServeFlags>, RegExp]>([
  [{ data: [""] }, /--data needs a folder/],
  [{ data: ["a", "./a"] }, /twice/],
  [{ port: "" }, /--port is a whole number/],
  [{ port: "9e3" }, /--port is a whole number/],
  [{ port: "65536" }, /--port is a whole number/],
  [{ gateways: "0" }, /--gateways is a whole number/],
  [{ durability: "fast" }, /--durability is commit/],
])("flags that cannot be meant are refused in words: %j", (wrong, message) => {
  expect(() => settingsFrom({ ...flags, ...wrong })).toThrow(message);
});

test("folders become absolute, the default is ./data", () => {
  expect(settingsFrom(flags).directories).toEqual([`${process.cwd()}/data`]);
  expect(settingsFrom({ ...flags, data: ["/a", "/b"] }).directories).toEqual(["/a", "/b"]);
});
