/** The report of `crushtool --test` against what crushtool 16.2.15 printed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { type Show, type TestOptions, testLines } from "./tester.ts";
import { compile } from "./text/compile.ts";

const vectors = join(import.meta.dirname, "../test/vectors/crush");
const mapOf = (name: string) => compile(readFileSync(join(vectors, `maps/${name}.txt`), "utf8"));

function report(map: string, options: Partial<TestOptions>, ...show: Show[]): string[] {
  const all = { minX: 0, maxX: 1023, reweights: new Map(), show: new Set(show), ...options };
  return [...testLines(mapOf(map), all)];
}

test("mappings, bad mappings, statistics and utilization, letter by letter", () => {
  const rules = { first: 0, last: 0 };
  expect(
    report(
      "class-three-auto",
      { rules, replicas: 3, maxX: 2 },
      "mappings",
      "statistics",
      "utilization",
      "bad-mappings",
    ),
  ).toEqual([
    "rule 0 (r0), x = 0..2, numrep = 3..3",
    "CRUSH rule 0 x 0 [16,1,13]",
    "CRUSH rule 0 x 1 [6,16,23]",
    "CRUSH rule 0 x 2 [18,1,13]",
    "rule 0 (r0) num_rep 3 result size == 3:\t3/3",
    "  device 1:\t\t stored : 2\t expected : 0.321429",
    "  device 6:\t\t stored : 1\t expected : 0.321429",
    "  device 13:\t\t stored : 2\t expected : 0.321429",
    "  device 16:\t\t stored : 2\t expected : 0.321429",
    "  device 18:\t\t stored : 1\t expected : 0.321429",
    "  device 23:\t\t stored : 1\t expected : 0.321429",
  ]);
  expect(
    report(
      "class-three-auto",
      { rules: { first: 3, last: 3 }, replicas: 8, maxX: 0 },
      "mappings",
      "bad-mappings",
    ),
  ).toEqual([
    "CRUSH rule 3 x 0 [26,20,15,2147483647,10,0,5,2147483647]",
    "bad mapping rule 3 x 0 num_rep 8 result [26,20,15,2147483647,10,0,5,2147483647]",
  ]);
});

interface Case {
  readonly case: string;
  readonly map: string;
  readonly rule: number;
  readonly numRep: number;
  readonly minX: number;
  readonly maxX: number;
  readonly poolId: number | null;
  readonly osdWeights: Readonly<Record<string, number>>;
  readonly badX: readonly number[];
  readonly utilization: readonly (readonly [number, number])[] | null;
  readonly resultSizes: Readonly<Record<string, number>>;
}

const cases = gunzipSync(readFileSync(join(vectors, "cases.jsonl.gz")))
  .toString()
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as Case);

test("bad inputs, result sizes and utilization of all recorded cases", () => {
  const maps = new Map(
    [...new Set(cases.map(({ map }) => map))].map((name) => [name, mapOf(name)]),
  );
  for (const one of cases) {
    const lines = [
      ...testLines(maps.get(one.map)!, {
        rules: { first: one.rule, last: one.rule },
        replicas: one.numRep,
        minX: one.minX,
        maxX: one.maxX,
        ...(one.poolId === null ? {} : { poolId: one.poolId }),
        reweights: new Map(Object.entries(one.osdWeights).map(([id, w]) => [Number(id), w])),
        show: new Set<Show>(["bad-mappings", "statistics", "utilization-all"]),
        overflow: "copy",
      }),
    ];
    const found = (pattern: RegExp) =>
      lines.flatMap((line) => {
        const match = pattern.exec(line);
        return match === null ? [] : [[Number(match[1]), Number(match[2])] as const];
      });
    expect(
      found(/^bad mapping rule \d+ x (\d+)/).map(([x]) => x),
      one.case,
    ).toEqual(one.badX);
    const sizes = found(/result size == (\d+):\t(\d+)/);
    expect(Object.fromEntries(sizes), one.case).toEqual(one.resultSizes);
    if (one.utilization === null) continue;
    const stored = found(/device (\d+):\t\t stored : (\d+)/).filter(([, count]) => count > 0);
    expect(stored, one.case).toEqual(one.utilization);
  }
});

test("a rule that is not there is said to be so", () => {
  const rules = { first: 70, last: 70 };
  expect(report("flat-straw2-9", { rules }, "statistics")).toEqual([]);
});

test("weights that Ceph misreads are refused with the reason, and copied on demand", () => {
  const run = { rules: { first: 0, last: 0 }, replicas: 1, maxX: 0 } as const;
  expect(() => report("weight-wrap", run, "mappings")).toThrow(/32768 or more as negative/);
  expect(report("weight-wrap", { ...run, overflow: "copy" }, "mappings")).toHaveLength(1);
});
