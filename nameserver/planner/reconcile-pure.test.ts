/** The pure parts: what members say of needles side by side, what becomes of each, and who is compared at all. */
import { describe, expect, test } from "vitest";
import type { BlockId, DeviceId, NeedleId } from "../../base/ids.ts";
import type { BlockRow } from "../rows.ts";
import type { Held } from "../stock/stock.ts";
import { type Claim, type Facts, judge } from "./reconcile-judge.ts";
import { disagreement, heldBy } from "./reconcile-need.ts";
import { compare, type Said, type Standing } from "./reconcile-standing.ts";

const id = (n: number) => BigInt(n) as NeedleId;

/** Rows [id, offset] of needles of 100 bytes; offset 0: removed. */
function said(rows: readonly (readonly [number, number])[], damage: Said["damage"] = []): Said {
  const bytes = Buffer.alloc(rows.length * 16);
  for (const [i, [needle, offset]] of rows.entries()) {
    bytes.writeBigUInt64LE(BigInt(needle), i * 16);
    bytes.writeUInt32LE(100, i * 16 + 8);
    bytes.writeUInt32LE(offset / 8, i * 16 + 12);
  }
  return { rows: bytes, damage };
}

describe("members side by side", () => {
  test("only needles of which they do not say the same, in order, and all are counted", () => {
    const { differing, known } = compare(
      [
        said([
          [1, 64],
          [2, 0],
          [3, 400],
          [7, 64],
        ]),
        said([
          [1, 64],
          [2, 64],
          [4, 0],
          [7, 0],
        ]),
      ],
      undefined,
    );
    expect(known).toBe(5);
    expect(differing).toEqual([
      { needle: id(2), live: [1], harmed: [], removed: [0], absent: [] },
      { needle: id(3), live: [0], harmed: [], removed: [], absent: [1] },
      { needle: id(7), live: [0], harmed: [], removed: [1], absent: [] },
    ]);
  });

  test("a page of one that ends earlier is the end for all: what lies behind is another page's", () => {
    const long = said([
      [1, 64],
      [5, 300],
      [9, 600],
    ]);
    const { differing, known } = compare([said([[1, 64]]), long], id(1));
    expect([differing, known]).toEqual([[], 1]);
  });

  test.each([
    [[{ offset: 64, lengthBytes: 1 }], [0]],
    [[{ offset: 40, lengthBytes: 24 }], []],
    [[{ offset: 150, lengthBytes: 1000 }], [0]],
    [[{ offset: 1_000, lengthBytes: 10 }], []],
  ])("known damage %j harms what it touches", (damage, harmed) => {
    const { differing } = compare([said([[1, 64]], damage), said([])], undefined);
    expect(differing.map((one) => one.harmed)).toEqual([harmed]);
  });
});

describe("what becomes of a needle", () => {
  const facts: Facts = { k: 1, isComplete: true, keepsOrphans: false };
  const standing: Standing = { needle: id(1), live: [0, 1], harmed: [], removed: [], absent: [2] };
  const gone = { ...standing, removed: [2], absent: [] };
  const rotten = { ...standing, live: [0], harmed: [0], absent: [1, 2] };
  const cases: [string, Standing, Claim, Partial<Facts>, string][] = [
    ["named, one lacks it", standing, "named", {}, "rebuild"],
    ["named, two of three are not enough", standing, "named", { k: 3 }, "lost"],
    ["named, another member may have it", standing, "named", { k: 3, isComplete: false }, "leave"],
    ["named by older metadata, removed by a member", gone, "named", {}, "leave"],
    ["named by older metadata, hardly there", gone, "named", { k: 3 }, "lost"],
    ["named, and rotten everywhere", rotten, "named", {}, "lost"],
    ["on its way out", gone, "going", {}, "leave"],
    ["not named", standing, "unnamed", {}, "remove"],
    ["not named by restored metadata", standing, "unnamed", { keepsOrphans: true }, "leave"],
    ["bare, removed by a member", gone, "free", {}, "remove"],
    ["bare, one lacks it", standing, "free", {}, "rebuild"],
    ["bare, never acknowledged", standing, "free", { k: 3 }, "leave"],
    ["bare, and rotten where it is", rotten, "free", {}, "lost"],
    ["the same, another member may have it", rotten, "free", { isComplete: false }, "leave"],
    ["nobody can tell whose, rotten", rotten, "unknown", {}, "lost"],
    ["nobody can tell whose, removed by a member", gone, "unknown", {}, "remove"],
    ["the same with restored metadata", gone, "unknown", { keepsOrphans: true }, "leave"],
  ];
  test.each(cases)("%s", (_, what, claim, more, verdict) => {
    expect(judge(what, claim, { ...facts, ...more }).kind).toBe(verdict);
  });
});

describe("members are compared", () => {
  const [a, b] = ["a", "b"] as [DeviceId, DeviceId];
  const block = 1 as BlockId;
  const scheme = { k: 1, m: 1 };
  const row: BlockRow = {
    ...{ state: "settled", generation: 2, pool: 0, scheme, members: [a, b], openedMs: 0 },
  };
  const held: Held = {
    ...{ generation: 2, sealed: true, needles: 3, liveBytes: 1, fileBytes: 1 },
    ...{ digest: 5n, damagedBytes: 0 },
  };
  const of = (its: Partial<Held> | undefined, more: Partial<BlockRow> = {}, named = 3) => {
    const all = new Map([[a, new Map([[block, held]])]]);
    if (its !== undefined) all.set(b, new Map([[block, { ...held, ...its }]]));
    const now = { ...row, ...more };
    return disagreement(now, heldBy({ of: (device) => all.get(device) }, block, now), named);
  };

  test.each([
    ["when digests differ", of({ digest: 6n })],
    ["when one takes appends still", of({ sealed: false })],
    ["when one has damage", of({ damagedBytes: 9 })],
    ["when both have less than the metadata count", of({}, {}, 4)],
  ])("%s", (_, found) => expect(found).toBeDefined());

  test.each([
    ["when they say the same", of({})],
    ["before the block is settled", of({ digest: 6n }, { state: "sealed" })],
    ["with one of another generation", of({ digest: 6n, generation: 1 })],
    [
      "with one of another piece",
      of({ digest: 6n, piece: { piece: 0, scheme } }, { scheme: { k: 2, m: 0 } }),
    ],
    ["when one is not heard", of(undefined, {}, 4)],
  ])("not %s", (_, found) => expect(found).toBeUndefined());
});
