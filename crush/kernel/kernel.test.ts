import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { moduleText } from "../../base/assemble.ts";
import { clusterMap, spreadRule } from "../cluster-map.ts";
import { layOut } from "../layout.ts";
import { place } from "../place.ts";
import { createScratch } from "../scratch.ts";
import { seededNumbers } from "../seeded.ts";
import { startingReweights } from "../tester.ts";

test("the module is what the source builds", async () => {
  const checkedIn = readFileSync(join(import.meta.dirname, "module.ts"), "utf8");
  expect(await moduleText(import.meta.dirname)).toBe(checkedIn);
});

test("a large map uses the kernel, a small one does not", () => {
  const fast = (hosts: number) => {
    const devices = Array.from({ length: hosts }, (_, i) => ({ name: `osd.${i}`, host: `h${i}` }));
    return layOut(clusterMap(devices)).buckets.some((bucket) => bucket?.fast !== undefined);
  };
  expect(fast(100)).toBe(true);
  expect(fast(5)).toBe(false);
});

test.each([9, 16, 33, 250])("%i hosts: the same answers with and without the kernel", (hosts) => {
  const map = mapOf(hosts, hosts);
  const reweights = startingReweights(map);
  const layouts = (["always", "never"] as const).map((kernel) => layOut(map, { kernel }));
  const scratches = layouts.map((layout) => createScratch(layout, 6));
  for (let x = -500; x < 1000; x++)
    for (const rule of [0, 1]) {
      const [fast, plain] = layouts.map((layout, i) => {
        const scratch = scratches[i]!;
        return scratch.result.slice(0, place(layout, rule, x, 6, reweights, scratch));
      });
      expect(fast).toEqual(plain);
    }
});

/** Hosts of random size and weights, zeros among them. */
function mapOf(hosts: number, seed: number) {
  const next = seededNumbers(seed);
  const devices = Array.from({ length: hosts }, (_, host) =>
    Array.from({ length: 1 + (next() % 20) }, (_, i) => ({
      name: `osd.${host}.${i}`,
      host: `host${host}`,
      weight: next() % 10 === 0 ? 0 : next() % (8 * 65536),
    })),
  ).flat();
  const map = spreadRule(clusterMap(devices), {
    id: 0,
    name: "replicas",
    kind: "replicated",
    domain: "host",
  });
  return spreadRule(map, { id: 1, name: "pieces", kind: "erasure", domain: "host" });
}
