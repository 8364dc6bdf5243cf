import { describe, expect, test } from "vitest";
import type { DeviceId } from "../../base/ids.ts";
import type { HealthLevel, PieceTrouble } from "../../rpc/health.ts";
import { firstPool, type PoolScheme, piecesOf } from "../../rpc/pool.ts";
import type { BlockRow } from "../rows.ts";
import type { Held } from "../stock/stock.ts";
import { type Judged, judgeBlock, type Standing } from "./judge-block.ts";

const id = (n: number) => `d${n}` as DeviceId;
const fine: Standing = { state: "ok", in: true, isHeard: true };

function heldOf(scheme: PoolScheme, piece: number, change: Partial<Held> = {}): Held {
  const counts = { needles: 3, liveBytes: 300, fileBytes: 400, digest: 7n, damagedBytes: 0 };
  return {
    ...{ generation: 1, sealed: true, ...counts, checkedMs: 5 },
    piece: { piece, scheme },
    ...change,
  };
}

/** A block on d0, d1, … as it should be; `change` spoils it. */
function scene(scheme: PoolScheme, change: (scene: Scene) => void = () => {}): Judged {
  const count = piecesOf(scheme);
  const made: Scene = {
    members: Array.from({ length: count }, (_, i) => id(i)),
    desired: Array.from({ length: count }, (_, i) => id(i)),
    holders: new Map(Array.from({ length: count }, (_, i) => [id(i), heldOf(scheme, i)])),
    standings: new Map(Array.from({ length: count + 2 }, (_, i) => [id(i), fine])),
    isFresh: false,
    differing: new Map(),
    row: {},
  };
  change(made);
  const { members, holders, desired, isFresh, differing } = made;
  const split = scheme.k > 1 ? ({ layout: "split" } as const) : {};
  return {
    row: {
      ...{ state: "settled", generation: 1, pool: 0, scheme, members, openedMs: 0, ...split },
      ...made.row,
    },
    ...{ holders, desired, isFresh, differing },
    standing: (device) => made.standings.get(device),
    pool: { ...firstPool, scheme },
  };
}

interface Scene {
  members: (DeviceId | null)[];
  desired: (DeviceId | undefined)[];
  readonly holders: Map<DeviceId, Held>;
  readonly standings: Map<DeviceId, Standing>;
  isFresh: boolean;
  readonly differing: Map<DeviceId, boolean>;
  row: Partial<BlockRow>;
}

const ONE = { k: 1, m: 0 };
const THREE = { k: 1, m: 2 };
const CODED = { k: 4, m: 2 };

const down = (n: number) => (s: Scene) => void s.standings.set(id(n), { ...fine, state: "down" });
const gone = (n: number) => (s: Scene) => void s.standings.delete(id(n));
const unheard = (n: number) => (s: Scene) =>
  void s.standings.set(id(n), { ...fine, isHeard: false });
const lacks = (n: number) => (s: Scene) => void s.holders.delete(id(n));
const is = (n: number, change: Partial<Held>) => (s: Scene) => {
  const held = s.holders.get(id(n));
  if (held !== undefined) s.holders.set(id(n), { ...held, ...change });
};
const all =
  (...changes: ((s: Scene) => void)[]) =>
  (s: Scene) => {
    for (const change of changes) change(s);
  };
const unchecked = (n: number) => (s: Scene) => {
  const { checkedMs: _, ...held } = s.holders.get(id(n)) ?? heldOf(THREE, n);
  s.holders.set(id(n), held);
};
const noMember = (n: number) => (s: Scene) => {
  s.members[n] = null;
  s.holders.delete(id(n));
};
const wants =
  (...places: (DeviceId | undefined)[]) =>
  (s: Scene) => {
    s.desired = places;
  };
const fresh = (s: Scene) => {
  s.isFresh = true;
};

type Row = [string, PoolScheme, (s: Scene) => void, HealthLevel, number, PieceTrouble[]];

const table: Row[] = [
  ["all as it should be", THREE, () => {}, "healthy", 3, []],
  ["pieces as they should be", CODED, () => {}, "healthy", 6, []],
  ["one copy, as the pool wants it", ONE, () => {}, "healthy", 1, []],
  ["a device down", THREE, down(0), "degraded", 2, ["device down"]],
  ["two of three down", THREE, all(down(0), down(2)), "at risk", 1, ["device down", "device down"]],
  [
    "all down",
    THREE,
    all(down(0), down(1), down(2)),
    "unreadable",
    0,
    ["device down", "device down", "device down"],
  ],
  ["the only copy down", ONE, down(0), "unreadable", 0, ["device down"]],
  ["the only copy's device gone", ONE, gone(0), "lost", 0, ["device gone"]],
  ["the only copy missing", ONE, lacks(0), "lost", 0, ["missing"]],
  ["the only copy harmed", ONE, is(0, { damagedBytes: 9 }), "lost", 0, ["damaged"]],
  ["a copy harmed", THREE, is(1, { damagedBytes: 9 }), "degraded", 2, ["damaged"]],
  [
    "all copies harmed: they complete each other",
    THREE,
    all(...[0, 1, 2].map((n) => is(n, { damagedBytes: 9 }))),
    "at risk",
    0,
    ["damaged", "damaged", "damaged"],
  ],
  [
    "two down and the last one harmed",
    THREE,
    all(gone(0), gone(1), is(2, { damagedBytes: 9 })),
    "lost",
    0,
    ["device gone", "device gone", "damaged"],
  ],
  ["a piece missing", CODED, lacks(5), "degraded", 5, ["missing"]],
  ["no spare left", CODED, all(lacks(5), down(0)), "at risk", 4, ["device down", "missing"]],
  [
    "too few up",
    CODED,
    all(lacks(5), down(0), down(1)),
    "unreadable",
    3,
    ["device down", "device down", "missing"],
  ],
  [
    "as many as are needed up, and one of them harmed: too few of what is harmed there",
    CODED,
    all(is(5, { damagedBytes: 9 }), down(0), down(1)),
    "unreadable",
    3,
    ["device down", "device down", "damaged"],
  ],
  [
    "too few anywhere",
    CODED,
    all(lacks(5), gone(0), gone(1)),
    "lost",
    3,
    ["device gone", "device gone", "missing"],
  ],
  ["an older generation", THREE, is(0, { generation: 0 }), "degraded", 2, ["stale"]],
  [
    "the piece of another position",
    CODED,
    is(2, { piece: { piece: 3, scheme: CODED } }),
    "degraded",
    5,
    ["other piece"],
  ],
  [
    "another position of a whole copy is as good",
    THREE,
    is(2, { piece: { piece: 0, scheme: THREE } }),
    "healthy",
    3,
    [],
  ],
  ["a hole that could be filled", THREE, noMember(2), "degraded", 2, ["no member"]],
  [
    "a hole that has no place",
    THREE,
    all(noMember(2), wants(id(0), id(1), undefined)),
    "degraded",
    2,
    ["no place"],
  ],
  ["not heard yet", THREE, unheard(1), "unchecked", 2, ["not heard"]],
  [
    "nobody heard yet",
    THREE,
    all(unheard(0), unheard(1), unheard(2)),
    "unchecked",
    0,
    ["not heard", "not heard", "not heard"],
  ],
  [
    "one down, the others not heard yet",
    THREE,
    all(down(0), unheard(1), unheard(2)),
    "degraded",
    0,
    ["device down", "not heard", "not heard"],
  ],
  ["just made there", THREE, all(lacks(1), fresh), "unchecked", 2, ["not heard"]],
  ["never read since", THREE, unchecked(1), "unchecked", 3, ["not checked"]],
  [
    "harm beats what was not read",
    THREE,
    all(unchecked(1), is(0, { damagedBytes: 1 })),
    "degraded",
    2,
    ["damaged", "not checked"],
  ],
  [
    "elsewhere than CRUSH says",
    CODED,
    wants(id(7), ...[1, 2, 3, 4, 5].map(id)),
    "misplaced",
    6,
    ["misplaced"],
  ],
  ["pieces in another order", CODED, wants(...[1, 0, 2, 3, 4, 5].map(id)), "healthy", 6, []],
  ["copies in another order", THREE, wants(id(2), id(0), id(1)), "healthy", 3, []],
  [
    "on a device that is out",
    THREE,
    (s) => void s.standings.set(id(1), { ...fine, in: false }),
    "misplaced",
    3,
    ["misplaced"],
  ],
  [
    "on a device whose disk has failed",
    THREE,
    (s) => void s.standings.set(id(1), { ...fine, state: "failed" }),
    "degraded",
    2,
    ["device failed"],
  ],
  [
    "needles differ",
    THREE,
    (s) => void s.differing.set(id(2), true),
    "degraded",
    2,
    ["other needles"],
  ],
  [
    "needles differ just now",
    THREE,
    (s) => void s.differing.set(id(2), false),
    "unchecked",
    2,
    ["not heard"],
  ],
  [
    "a good copy where it does not belong",
    ONE,
    all(lacks(0), (s) => void s.holders.set(id(1), heldOf(ONE, 0))),
    "unreadable",
    0,
    ["missing"],
  ],
];

describe("a block", () => {
  test.each(table)("%s", (_, scheme, change, level, good, whys) => {
    const { level: found, goodPieces, troubles } = judgeBlock(scene(scheme, change));
    expect([found, goodPieces, troubles.map(({ why }) => why)]).toEqual([level, good, whys]);
  });

  test("is misplaced when its pool wants another scheme, unless it is still open", () => {
    const judged = { ...scene(ONE), pool: { ...firstPool, scheme: THREE } };
    expect(judgeBlock(judged).level).toBe("misplaced");
    const open = { ...judged, row: { ...judged.row, state: "open" as const } };
    expect(judgeBlock(open).level).toBe("healthy");
  });

  test("is misplaced where CRUSH does not want it, unless it is still open", () => {
    const judged = scene(CODED, wants(id(7), ...[1, 2, 3, 4, 5].map(id)));
    expect(judgeBlock(judged).level).toBe("misplaced");
    const open = { ...judged, row: { ...judged.row, state: "open" as const } };
    expect(judgeBlock(open).level).not.toBe("misplaced");
  });

  test("is never healthy too early: any one trouble of any one piece is seen", () => {
    const spoils = [down, gone, unheard, lacks, unchecked, noMember];
    for (const scheme of [ONE, THREE, CODED, { k: 2, m: 1 }])
      for (let piece = 0; piece < piecesOf(scheme); piece++)
        for (const spoil of spoils)
          expect(judgeBlock(scene(scheme, spoil(piece))).level).not.toBe("healthy");
  });
});
