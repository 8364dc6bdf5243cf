/** The worked example of docs/placement.md is true. */
import { expect, test } from "vitest";
import { clusterMap, spreadRule } from "./cluster-map.ts";
import { layOut } from "./layout.ts";
import { placementSeed } from "./pg.ts";
import { place } from "./place.ts";
import { createScratch } from "./scratch.ts";
import { startingReweights } from "./tester.ts";

test("placement group 1 of the three-rack cluster", () => {
  const devices = Array.from({ length: 18 }, (_, i) => ({
    name: `disk${i}`,
    host: `host${Math.floor(i / 2)}`,
    rack: `rack${Math.floor(i / 6)}`,
    weight: 4 * 65536,
  }));
  const rule = { id: 0, name: "replicated", kind: "replicated", domain: "rack" } as const;
  const map = spreadRule(clusterMap(devices), rule);
  const pool = { id: 1, pgNum: 128, pgpNum: 128, hashPool: true, size: 3, ruleId: 0 };
  const x = placementSeed(pool, 1);
  expect(x).toBe(3308535608);

  const layout = layOut(map);
  const scratch = createScratch(layout, 3);
  const reweights = startingReweights(map);
  const answer = () => {
    const count = place(layout, 0, x, 3, reweights, scratch);
    return [...scratch.result.subarray(0, count)];
  };
  expect(answer()).toEqual([7, 2, 17]);
  reweights[2] = 0;
  expect(answer()).toEqual([7, 17, 4]);
});
