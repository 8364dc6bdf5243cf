/** Placement groups against osdmaptool 16.2.15 (test/vectors/pg): 834 objects, 2,912 groups. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { layOut } from "./layout.ts";
import { NONE, WEIGHT_ONE } from "./map.ts";
import { devicesOf, makePgTable, type PgPool, pgOf, placementSeed, stableMod } from "./pg.ts";
import { stringHash } from "./string-hash.ts";
import { compile } from "./text/compile.ts";

interface Vector {
  readonly pool: number;
  readonly size: number;
  readonly rule: number;
  readonly pgNum: number;
  readonly pgpNum: number;
  readonly hashpspool: boolean;
  readonly maxOsd: number;
  readonly outOsds: readonly number[];
  readonly objects: readonly (readonly [string, number, number, readonly number[]])[];
  readonly pgs: readonly (readonly number[])[];
  readonly pps: readonly number[];
}

const folder = join(import.meta.dirname, "../test/vectors/pg");
const names = readdirSync(folder)
  .filter((name) => name.endsWith(".crush.txt"))
  .map((name) => name.replace(".crush.txt", ""));
const vectorOf = (name: string) =>
  JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as Vector;

test("all recorded pools are there", () => {
  const all = names.map(vectorOf);
  expect(all.reduce((sum, one) => sum + one.objects.length, 0)).toBe(834);
  expect(all.reduce((sum, one) => sum + one.pgs.length, 0)).toBe(2912);
});

test.each(names)("%s", (name) => {
  const vector = vectorOf(name);
  const pool: PgPool = {
    id: vector.pool,
    pgNum: vector.pgNum,
    pgpNum: vector.pgpNum,
    hashPool: vector.hashpspool,
    size: vector.size,
    ruleId: vector.rule,
  };
  const layout = layOut(compile(readFileSync(join(folder, `${name}.crush.txt`), "utf8")), {
    chooseArgs: pool.id,
  });
  const reweights = new Uint32Array(vector.maxOsd).fill(WEIGHT_ONE);
  for (const device of vector.outOsds) reweights[device] = 0;
  const table = makePgTable(layout, pool, reweights);
  const devices = (pg: number) => [...devicesOf(table, pg)].filter((id) => id !== NONE);

  expect(vector.pgs.map((_, pg) => placementSeed(pool, pg))).toEqual(vector.pps);
  expect(vector.pgs.map((_, pg) => devices(pg))).toEqual(vector.pgs);
  const objects = vector.objects.map(([object]) => {
    const hash = stringHash(new TextEncoder().encode(object));
    const pg = pgOf(pool, hash);
    return [object, hash, pg, devices(pg)];
  });
  expect(objects).toEqual(vector.objects);
});

test("stableMod stays below n, and one more group moves only what falls into it", () => {
  for (let n = 1; n < 300; n++)
    for (let x = 0; x < 1000; x += 7) {
      const now = stableMod(x, n);
      const next = stableMod(x, n + 1);
      expect(now).toBeLessThan(n);
      expect(next === now || next === n).toBe(true);
    }
  expect(stableMod(0xffffffff, 0x80000000)).toBe(0x7fffffff);
  expect(stableMod(0xffffffff, 0xffffffff)).toBe(0x7fffffff);
});
