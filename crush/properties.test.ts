/** What CRUSH promises, tried on random clusters. Seeds replay. */
import { describe, expect, test } from "vitest";
import { type ClusterDevice, clusterMap, spreadRule } from "./cluster-map.ts";
import { reweightItem } from "./edit.ts";
import { layOut } from "./layout.ts";
import { type CrushMap, NONE, slotOf } from "./map.ts";
import { compare, type Situation } from "./movement.ts";
import { place } from "./place.ts";
import { createScratch } from "./scratch.ts";
import { seededNumbers } from "./seeded.ts";
import { measureFill, simulateLoss } from "./statistics.ts";
import { startingReweights } from "./tester.ts";

const seeds = [1, 2, 3, 4, 5];

function randomDevices(seed: number): ClusterDevice[] {
  const next = seededNumbers(seed);
  const devices: ClusterDevice[] = [];
  const hosts = 6 + (next() % 12);
  for (let host = 0; host < hosts; host++)
    for (let i = 0; i <= next() % 8; i++)
      devices.push({
        name: `osd.${devices.length}`,
        host: `host${host}`,
        rack: `rack${host % 4}`,
        weight: 65536 + (next() % (7 * 65536)),
      });
  return devices;
}

/** Both rules of the usual kind: 0 replicated, 1 erasure, over hosts. */
function withRules(map: CrushMap): CrushMap {
  const replicated = { id: 0, name: "replicated", kind: "replicated", domain: "host" } as const;
  return spreadRule(spreadRule(map, replicated), { ...replicated, id: 1, kind: "erasure" });
}

function situation(map: CrushMap, ruleId: number, replicas: number): Situation {
  const rule = map.rules.get(ruleId)!;
  return { map, rule, replicas, reweights: startingReweights(map) };
}

function placer({ map, rule, replicas, reweights }: Situation) {
  const layout = layOut(map);
  const scratch = createScratch(layout, replicas);
  return (x: number) => {
    const count = place(layout, rule.id, x, replicas, reweights, scratch);
    return Array.from(scratch.result.subarray(0, count));
  };
}

function hostOf(map: CrushMap): (device: number) => number | undefined {
  const hosts = [...map.buckets.values()].filter((bucket) => map.types.get(bucket.type) === "host");
  const byDevice = new Map(hosts.flatMap((host) => host.items.map((item) => [item.id, host.id])));
  return (device) => byDevice.get(device);
}

describe.each(seeds)("seed %i", (seed) => {
  const map = withRules(clusterMap(randomDevices(seed)));

  test.each([0, 1])("rule %i: no two replicas in one host while there are enough", (ruleId) => {
    const from = placer(situation(map, ruleId, 4));
    const host = hostOf(map);
    for (let x = 0; x < 2000; x++) {
      const devices = from(x);
      expect(devices).toHaveLength(4);
      expect(devices).not.toContain(NONE);
      expect(new Set(devices.map(host)).size).toBe(4);
    }
  });

  test("the order of items does not matter to straw2", () => {
    const next = seededNumbers(seed + 100);
    const shuffled: CrushMap = {
      ...map,
      buckets: new Map(
        [...map.buckets].map(([id, bucket]) => [
          id,
          { ...bucket, items: bucket.items.toSorted(() => (next() % 3) - 1) },
        ]),
      ),
    };
    const old = placer(situation(map, 0, 3));
    const now = placer(situation(shuffled, 0, 3));
    for (let x = 0; x < 2000; x++) expect(now(x)).toEqual(old(x));
  });

  test("a heavier device in a flat map takes data and gives none away", () => {
    const flat = clusterMap(randomDevices(seed).map((device) => ({ ...device, host: "only" })));
    const rule = { id: 0, name: "flat", kind: "replicated", domain: "osd" } as const;
    const light = spreadRule(flat, rule);
    const changed = light.devices[2]!;
    const heavy = reweightItem(light, changed.name, 10 * 65536);
    const old = placer(situation(light, 0, 1));
    const now = placer(situation(heavy, 0, 1));
    let moved = 0;
    for (let x = 0; x < 4000; x++) {
      const [from] = old(x);
      const [to] = now(x);
      if (from === to) continue;
      moved++;
      expect(to).toBe(changed.id);
    }
    expect(moved).toBeGreaterThan(0);
  });

  test("a device that is out leaves the others' pieces where they are (indep)", () => {
    const all = situation(map, 1, 4);
    const reweights = all.reweights.slice();
    reweights[1] = 0;
    const old = placer(all);
    const now = placer({ ...all, reweights });
    let same = 0;
    let pieces = 0;
    for (let x = 0; x < 2000; x++) {
      const was = old(x);
      const is = now(x);
      expect(is).not.toContain(1);
      if (!was.includes(1)) expect(is).toEqual(was);
      pieces += 4;
      same += was.filter((device, i) => is[i] === device).length;
    }
    expect(same / pieces).toBeGreaterThan(0.85);
  });
});

describe("20 hosts of 10 devices", () => {
  const cluster = (hosts: number) =>
    withRules(
      clusterMap(
        Array.from({ length: hosts * 10 }, (_, i) => ({
          name: `osd.${i}`,
          host: `host${Math.floor(i / 10)}`,
        })),
      ),
    );
  const inputs = 32768;

  test.each([
    [0, 3, 0.0514],
    [1, 6, 0.0587],
  ])("rule %i with %i: a 21st host moves about what crushtool moves", (ruleId, size, expected) => {
    const before = situation(cluster(20), ruleId, size);
    const movement = compare(before, situation(cluster(21), ruleId, size), inputs);
    expect(movement.leastShare).toBeCloseTo(1 / 21, 6);
    expect(movement.moved / movement.placedBefore).toBeGreaterThan(movement.leastShare);
    expect(Math.abs(movement.moved / movement.placedBefore - expected)).toBeLessThan(0.002);
  });

  test("fill deviates by no more than chance does", () => {
    const fill = measureFill(situation(cluster(20), 0, 3), inputs);
    expect(fill.incomplete).toBe(0);
    expect(fill.deviation).toBeLessThan(1.2 * fill.expectedDeviation);
  });

  test("more tolerated failures lose less, and the seed replays", () => {
    const side = situation(cluster(20), 0, 3);
    const ask = { failures: 8, tolerated: 2, trials: 200, seed: 7 };
    const loss = simulateLoss(side, 4096, ask);
    expect(simulateLoss(side, 4096, ask)).toEqual(loss);
    expect(loss.probability).toBeGreaterThan(0);
    expect(simulateLoss(side, 4096, { ...ask, tolerated: 1 }).lostShare).toBeGreaterThan(
      loss.lostShare,
    );
    expect(simulateLoss(side, 4096, { ...ask, failures: 2 }).probability).toBe(0);
  });
});

test("a mapping allocates nothing that grows with the number of mappings", () => {
  const map = withRules(clusterMap(randomDevices(9)));
  const layout = layOut(map);
  const scratch = createScratch(layout, 3);
  const { result, lists, leaves } = scratch;
  const reweights = startingReweights(map);
  for (let x = 0; x < 1000; x++) place(layout, 0, x, 3, reweights, scratch);
  expect(scratch.result).toBe(result);
  expect(scratch.lists).toBe(lists);
  expect(scratch.leaves).toBe(leaves);
  expect(layout.buckets[slotOf(-1)]?.size).toBeGreaterThan(0);
});
