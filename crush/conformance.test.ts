/**
 * Every recorded answer of crushtool 16.2.15 (test/vectors/crush): 549 cases, 212,352 mappings,
 * and every doubtful map accepted or refused as recorded.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { hash2 } from "./hash.ts";
import { layOut } from "./layout.ts";
import { type CrushMap, deviceCount, NONE, WEIGHT_ONE } from "./map.ts";
import { place } from "./place.ts";
import { createScratch } from "./scratch.ts";
import { compile } from "./text/compile.ts";

interface Case {
  readonly case: string;
  readonly map: string;
  readonly rule: number;
  readonly numRep: number;
  readonly minX: number;
  readonly maxX: number;
  readonly poolId: number | null;
  readonly osdWeights: Readonly<Record<string, number>>;
  readonly mappings: readonly (readonly (number | null)[])[];
}

interface DoubtfulMap {
  readonly map: string;
  readonly accepted: boolean;
  readonly mappings?: readonly (readonly (number | null)[])[];
}

const vectors = join(import.meta.dirname, "../test/vectors/crush");
const lines = <T>(text: string) =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
const cases = lines<Case>(gunzipSync(readFileSync(join(vectors, "cases.jsonl.gz"))).toString());
const doubtful = lines<DoubtfulMap>(readFileSync(join(vectors, "bad-maps.jsonl"), "utf8"));
const textOf = (folder: string, name: string) =>
  readFileSync(join(vectors, folder, `${name}.txt`), "utf8");

/** A device in no bucket is out, as `crushtool --test` has it. */
function reweightsOf(map: CrushMap, given: Readonly<Record<string, number>>): Uint32Array {
  const reweights = new Uint32Array(deviceCount(map));
  for (const bucket of map.buckets.values())
    for (const item of bucket.items) if (item.id >= 0) reweights[item.id] = WEIGHT_ONE;
  for (const [device, weight] of Object.entries(given)) reweights[Number(device)] = weight;
  return reweights;
}

function answers(
  map: CrushMap,
  one: Omit<Case, "case" | "map" | "mappings">,
  kernel: "always" | "never",
): (number | null)[][] {
  const layout = layOut(map, { overflow: "copy", kernel });
  const scratch = createScratch(layout, one.numRep);
  const reweights = reweightsOf(map, one.osdWeights);
  const found: (number | null)[][] = [];
  for (let x = one.minX; x <= one.maxX; x++) {
    const input = one.poolId === null ? x : hash2(x, one.poolId);
    const count = place(layout, one.rule, input, one.numRep, reweights, scratch);
    found.push(Array.from(scratch.result.subarray(0, count), (id) => (id === NONE ? null : id)));
  }
  return found;
}

describe("recorded mappings", () => {
  const byMap = Map.groupBy(cases, (one) => one.map);

  test("all are there", () => {
    expect(cases.length).toBe(549);
    expect(cases.reduce((sum, one) => sum + one.mappings.length, 0)).toBe(212_352);
  });

  describe.each(["always", "never"] as const)("kernel %s", (kernel) => {
    test.each([...byMap.keys()])("%s", (name) => {
      const map = compile(textOf("maps", name));
      for (const one of byMap.get(name) ?? [])
        expect(answers(map, one, kernel), one.case).toEqual(one.mappings);
    });
  });
});

describe("doubtful maps", () => {
  test.each(doubtful.map((one) => [one.accepted ? "taken" : "refused", one.map, one] as const))(
    "%s: %s",
    (_, name, { accepted, mappings }) => {
      const text = textOf("bad-maps", name);
      if (!accepted) {
        expect(() => compile(text)).toThrow(expect.objectContaining({ code: "InvalidArgument" }));
        return;
      }
      const run = { rule: 0, numRep: 3, minX: 0, maxX: 63, poolId: null, osdWeights: {} };
      expect(answers(compile(text), run, "never")).toEqual(mappings);
    },
  );
});
