import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { addDevices, removeItem, reweightItem, withFailureDomain } from "./edit.ts";
import { bucketWeight, type CrushMap, WEIGHT_ONE } from "./map.ts";
import { compile } from "./text/compile.ts";
import { decompile } from "./text/decompile.ts";

const folder = join(import.meta.dirname, "../test/vectors/crush/maps");
const read = (name: string) => compile(readFileSync(join(folder, `${name}.txt`), "utf8"));
const named = (map: CrushMap, name: string) =>
  [...map.buckets.values()].find((bucket) => bucket.name === name);
const weight = (map: CrushMap, name: string) => bucketWeight(named(map, name)!);

const location = [
  { type: "host", name: "h0" },
  { type: "root", name: "root" },
];

test("a new device makes every bucket above it heavier, and keeps all ids", () => {
  const before = read("class-three-auto");
  const device = { name: "new", weight: 2 * WEIGHT_ONE, class: "ssd", location };
  const after = addDevices(before, [device]);
  expect(weight(after, "h0") - weight(before, "h0")).toBe(2 * WEIGHT_ONE);
  expect(weight(after, "h0~ssd") - weight(before, "h0~ssd")).toBe(2 * WEIGHT_ONE);
  expect(weight(after, "root~hdd")).toBe(weight(before, "root~hdd"));
  for (const [id, bucket] of before.buckets) expect(after.buckets.get(id)?.name).toBe(bucket.name);
  expect(compile(decompile(after)).buckets.size).toBe(after.buckets.size);
});

test("removing what was added gives the map back", () => {
  const before = read("class-three-auto");
  const device = {
    name: "new",
    weight: 65536,
    location: [{ type: "host", name: "h99" }, ...location.slice(1)],
  };
  const added = addDevices(before, [device]);
  expect(named(added, "h99")?.items).toHaveLength(1);
  const back = removeItem(added, "h99");
  expect(back.devices).toEqual(before.devices);
  expect(decompile(back).match(/^host/gm)).toEqual(decompile(before).match(/^host/gm));
});

test("a reweighted device passes its weight up", () => {
  const after = reweightItem(read("class-three-auto"), "osd.0", 5 * WEIGHT_ONE);
  expect(named(after, "h0")?.items[0]?.weight).toBe(5 * WEIGHT_ONE);
  expect(weight(after, "h0")).toBe(
    named(after, "root")?.items.find((item) => item.id === named(after, "h0")?.id)?.weight,
  );
});

test("choose_args of changed buckets go, the others stay", () => {
  const before = read("cargs-one");
  const after = reweightItem(before, "osd.0", 5 * WEIGHT_ONE);
  const ids = (map: CrushMap) => [...(map.chooseArgs.get(0)?.keys() ?? [])];
  expect(ids(before)).toContain(named(before, "h0")?.id);
  expect(ids(after)).not.toContain(named(before, "h0")?.id);
  expect(ids(after)).toContain(named(before, "h1")?.id);
});

test("a rule goes over to another failure domain", () => {
  const map = read("racks-4x3x4");
  const rule = [...map.rules.values()].find((each) => each.name === "hostfd")!;
  const rack = [...map.types].find(([, name]) => name === "rack")?.[0];
  const moved = withFailureDomain(map, rule, "rack");
  expect(moved.steps).toContainEqual(expect.objectContaining({ op: "chooseleaf", type: rack }));
  expect(() => withFailureDomain(map, rule, "continent")).toThrow(/no type continent/);
});

test("what is not there cannot be changed", () => {
  const map = read("class-three-auto");
  expect(() => removeItem(map, "osd.99")).toThrow(/no osd.99/);
  expect(() => reweightItem(map, "h0", 1)).toThrow(/is a bucket/);
  expect(() => addDevices(map, [{ name: "osd.0", weight: 1, location }])).toThrow(/already/);
});
