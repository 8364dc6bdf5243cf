import { expect, test } from "vitest";
import { clusterCommand } from "./command.ts";
import { type ClusterFlags, clusterSettings } from "./settings.ts";

const size = (...words: string[]) => {
  const command = clusterCommand().action(() => undefined);
  command.parse(words, { from: "user" });
  return clusterSettings(command.opts<ClusterFlags>()).size;
};

test("large objects have a scheme of their own, or none", () => {
  expect(size()).not.toHaveProperty("largeScheme");
  expect(size("--large-scheme", "2+1").largeScheme).toMatchObject({ k: 2, m: 1 });
  expect(size("--large-scheme", "none").largeScheme).toBeNull();
});

test("more pieces than dataservers are refused", () => {
  expect(() => size("--dataservers", "2", "--large-scheme", "2+1")).toThrow(/needs 3 dataservers/);
  expect(() => size("--dataservers", "2", "--replicas", "3")).toThrow(/needs 3 dataservers/);
});
