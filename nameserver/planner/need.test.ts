/** What blocks need, by tables: the members as they stand, where CRUSH wants them, what comes of it. */
import { describe, expect, test } from "vitest";
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { firstPool, type PoolScheme } from "../../rpc/pool.ts";
import type { BlockRow } from "../rows.ts";
import type { Held } from "../stock/stock.ts";
import type { DeviceFacts } from "./devices.ts";
import { isWanted } from "./kinds/remake.ts";
import { needOf, type RemakeNeed } from "./need.ts";
import { viewOf } from "./view.ts";

const block = 9 as BlockId;
const GENERATION = 3;

/**
 * A member, or a device: its letter and how it is: `-` down, `!` out, `x` out and down, `?` not heard,
 * `0` without the block, `<` behind, `>` ahead, `#` harmed, `f` full; nothing: good.
 */
const marks: Readonly<
  Record<string, { facts?: Partial<DeviceFacts>; held?: Partial<Held> | null }>
> = {
  "": {},
  "-": { facts: { state: "down", isHeard: false } },
  "!": { facts: { isIn: false } },
  x: { facts: { state: "down", isIn: false, isHeard: false } },
  "?": { facts: { isHeard: false }, held: null },
  0: { held: null },
  "<": { held: { generation: GENERATION - 1 } },
  ">": { held: { generation: GENERATION + 1 } },
  "~": { held: { digest: 3n, needles: 2 } },
  "#": { held: { damagedBytes: 10 } },
  f: { facts: { state: "full" } },
  f0: { facts: { state: "full" }, held: null },
  n: { facts: { isIn: true }, held: null },
};

interface Scene {
  readonly scheme?: PoolScheme;
  readonly pool?: PoolScheme;
  /** By position, `.` is a hole. */
  readonly members: string;
  /** Where CRUSH wants it, `.` is a hole. */
  readonly wanted: string;
  /** Others that hold something of it (`=1`: piece 1; else the first), or are there and hold nothing (`0`). */
  readonly others?: string;
  readonly state?: BlockRow["state"];
}

function viewIn({
  scheme = { k: 1, m: 2 },
  pool = scheme,
  members,
  wanted,
  others = "",
  state = "settled",
}: Scene) {
  const devices = new Map<DeviceId, DeviceFacts>();
  const holders = new Map<DeviceId, Held>();
  const see = (text: string, piece: number) => {
    const device = text[0] as DeviceId;
    const { facts, held } = marks[text.slice(1)] ?? {};
    devices.set(device, {
      name: `osd.${device}`,
      state: "ok",
      isIn: true,
      isHeard: true,
      address: `at ${device}`,
      ...facts,
    });
    const counted = { needles: 1, liveBytes: 8, fileBytes: 100, digest: 1n, damagedBytes: 0 };
    const good = { generation: GENERATION, sealed: true, ...counted, piece: { piece, scheme } };
    if (held !== null) holders.set(device, { ...good, ...held });
    return device;
  };
  const row: BlockRow = {
    ...{ state, generation: GENERATION, pool: 0, scheme, openedMs: 0 },
    members: members.split(" ").map((one, at) => (one === "." ? null : see(one, at))),
  };
  for (const other of others.split(" ").filter((one) => one !== ""))
    see(other.replace(/=\d$/, ""), Number(/=(\d)$/.exec(other)?.[1] ?? 0));
  const places = wanted.split(" ").map((one) => (one === "." ? undefined : (one as DeviceId)));
  for (const one of places) if (one !== undefined && !devices.has(one)) see(`${one}0`, 0);
  return viewOf({
    ...{ block, row, holders, devices, pool: { ...firstPool, scheme: pool } },
    placesOf: () => places,
  });
}

function told(scene: Scene): string {
  const { need, stuck } = needOf(viewIn(scene));
  const words: string[] = [];
  if (need !== undefined && "sources" in need) {
    const sources = need.sources
      .map(({ device }) => device)
      .sort()
      .join("");
    const instead = need.replaces === undefined ? "" : ` for ${need.replaces}`;
    words.push(
      `${need.kind} ${need.position} ${need.from ?? "."}>${need.to}${instead} of ${sources}`,
    );
  } else if (need?.kind === "retire") words.push(`retire ${need.device}`);
  else if (need?.kind === "convert" && "members" in need)
    words.push(`copies ${(need.members as (string | null)[]).map((one) => one ?? ".").join("")}`);
  else if (need !== undefined) words.push(need.kind);
  if (stuck !== undefined) words.push(`stuck: ${stuck.why}`);
  return words.join("; ");
}

const copies = { k: 1, m: 2 };
const pieces = { k: 2, m: 1 };

describe("of three copies", () => {
  test.each([
    ["all is well", { members: "a b c", wanted: "a b c" }, ""],
    ["places are interchangeable", { members: "a b c", wanted: "c a b" }, ""],
    ["a hole is filled", { members: "a . c", wanted: "a b c" }, "rebuild 1 .>b of ac"],
    ["one is lost", { members: "a bx c", wanted: "a d c" }, "rebuild 1 b>d of ac"],
    ["one is down, and may come back", { members: "a b- c", wanted: "a b c" }, ""],
    ["one is not heard yet", { members: "a b? c", wanted: "a b c" }, ""],
    ["one lost it", { members: "a b0 c", wanted: "a b c" }, "rebuild 1 b>b of ac"],
    ["one is harmed", { members: "a b# c", wanted: "a b c" }, "rebuild 1 b>b of ac"],
    ["one is behind", { members: "a b< c", wanted: "a b c" }, "switch 1 b>b of ac"],
    ["one is ahead", { members: "a b> c", wanted: "a b c" }, ""],
    ["one is drained", { members: "a b! c", wanted: "a d c" }, "move 1 b>d of abc"],
    [
      "one stands elsewhere than wanted",
      { members: "a b c", wanted: "a b d" },
      "move 2 c>d of abc",
    ],
    ["what is lost comes first", { members: "a b! .", wanted: "a d e" }, "rebuild 2 .>e of ab"],
    [
      "both at once: the loss takes the only place",
      { members: "a b .", wanted: "a d ." },
      "rebuild 2 .>d of ab",
    ],
    ["the target is down", { members: "a b! c", wanted: "a d c", others: "d-" }, ""],
    [
      "a substitute is a source, too",
      { members: "a b- cx", wanted: "a b e", others: "d0" },
      "rebuild 2 c>e of a",
    ],
    [
      "one is harmed, and the harmed one cannot be mended before the lost one is made",
      { members: "a# bx c", wanted: "a d c" },
      "rebuild 1 b>d of ac",
    ],
    ["open blocks are left alone", { members: "a . c", wanted: "a b c", state: "open" }, ""],
    [
      "an open one that stands elsewhere than wanted is sealed, so that it can move",
      { members: "a b c", wanted: "a b d", state: "open" },
      "seal",
    ],
    [
      "and left alone while the place it would move to takes none",
      { members: "a b c", wanted: "a b d", state: "open", others: "df0" },
      "",
    ],
    [
      "an open one with a member that is out and down is sealed",
      { members: "ax b c", wanted: "d b c", others: "d0", state: "open" },
      "seal",
    ],
    [
      "of an open one goes what a leader made that was deposed",
      { members: "a b c", wanted: "a b c", others: "d", state: "open" },
      "retire d",
    ],
    [
      "but not while it may be needed",
      { members: "a b- c", wanted: "a b c", others: "d", state: "open" },
      "",
    ],
    [
      "an open one that a member lost is sealed",
      { members: "a b0 c", wanted: "a b c", state: "open" },
      "seal",
    ],
  ] as const)("%s", (_, scene, what) => {
    expect(told({ scheme: copies, ...scene })).toBe(what);
  });

  test.each([
    ["CRUSH has no third place", { members: "a b .", wanted: "a b ." }, "no place to heal"],
    [
      "a drained one has nowhere to go",
      { members: "a b! c", wanted: "a c ." },
      "no place to move to",
    ],
    ["the target is full", { members: "a . c", wanted: "a b c", others: "bf" }, "is full"],
    [
      "the target is down",
      { members: "a . c", wanted: "a b c", others: "b-" },
      "b, where it belongs, is down",
    ],
    ["nobody is up", { members: "a- b- c0", wanted: "a b c" }, "0 of 1 pieces"],
  ] as const)("stuck: %s", (_, scene, what) => {
    expect(told({ scheme: copies, ...scene })).toContain(what);
  });

  test("a target that is full is named, so that people see what lacks room", () => {
    const scene = { scheme: copies, members: "a . c", wanted: "a b c", others: "bf" };
    expect(needOf(viewIn(scene)).stuck?.lacksRoom).toBe("b");
  });

  test("one without a better place stays where it is", () => {
    expect(told({ scheme: copies, members: "a b c", wanted: "a b ." })).toBe("");
  });
});

describe("of two pieces and a parity", () => {
  test.each([
    ["all is well", { members: "a b c", wanted: "a b c" }, ""],
    ["the same devices in another order stay", { members: "a b c", wanted: "b a c" }, ""],
    ["each goes to its own place", { members: "a b! c!", wanted: "a d e" }, "move 1 b>d of abc"],
    ["a lost one is computed", { members: "a b cx", wanted: "a b d" }, "rebuild 2 c>d of ab"],
    ["a moved one is copied", { members: "a b c!", wanted: "a b d" }, "move 2 c>d of abc"],
    [
      "what a move left goes before another piece comes there",
      { members: "a! b c", wanted: "d b c", others: "d=1" },
      "retire d",
    ],
    [
      "where a lost one belongs it gives way at once",
      { members: "ax b c", wanted: "d b c", others: "d=1" },
      "rebuild 0 a>d for 1 of bc",
    ],
    [
      "also where the device is a member already",
      { members: "a b c0", wanted: "a b c", others: "c=1" },
      "rebuild 2 c>c for 1 of ab",
    ],
    [
      "a harmed member of that piece comes first",
      { members: "ax b# c", wanted: "d b c", others: "d=1" },
      "rebuild 1 b>b of cd; stuck: osd.d, where piece 0 belongs, has piece 1, and it is the turn of that first: its member is osd.b, which is damaged",
    ],
    [
      "with that one away it stays",
      { members: "ax b- c", wanted: "d b c", others: "d=1" },
      "stuck: osd.d, where piece 0 belongs, has piece 1, and it is the turn of that first: its member is osd.b, which is away",
    ],
    [
      "each of two takes its own",
      { members: "ax bx c", wanted: "d e c", others: "d=1 e=0" },
      "rebuild 0 a>e of cd",
    ],
  ] as const)("%s", (_, scene, what) => {
    expect(told({ scheme: pieces, ...scene })).toBe(what);
  });

  test("of two that are lost the one that is there takes the only place", () => {
    const scene = { scheme: pieces, members: "ax bx c", wanted: "d . c", others: "d=1" };
    expect(told(scene)).toMatch(/^rebuild 1 b>d of c; stuck: no place to heal/);
  });

  test("too few are up", () => {
    const scene = { scheme: pieces, members: "a b- cx", wanted: "a b d" };
    expect(told(scene)).toContain(
      "1 of 2 pieces that are needed are up; it needs one of osd.b, osd.c",
    );
  });
});

describe("what is too much goes", () => {
  test.each([
    ["when every member is good", { members: "a b c", wanted: "a b c", others: "d" }, "retire d"],
    ["not while one is down", { members: "a b- c", wanted: "a b c", others: "d" }, ""],
    ["not while one was not heard", { members: "a b? c", wanted: "a b c", others: "d" }, ""],
    [
      "not before a harmed one is mended",
      { members: "a b# c", wanted: "a b c", others: "d" },
      "rebuild 1 b>b of acd",
    ],
    ["of an older generation", { members: "a b c", wanted: "a b c", others: "d<" }, "retire d"],
    ["not of a newer one", { members: "a b c", wanted: "a b c", others: "d>" }, ""],
    ["not from one that is down", { members: "a b c", wanted: "a b c", others: "d-" }, ""],
  ] as const)("%s", (_, scene, what) => {
    expect(told({ scheme: copies, ...scene })).toBe(what);
  });
});

describe("a pool of another number of copies", () => {
  const [one, two] = [
    { k: 1, m: 0 },
    { k: 1, m: 1 },
  ];
  test.each([
    ["more: places are added", two, copies, { members: "a b", wanted: "a b c" }, "copies ab."],
    [
      "fewer: those that are wanted stay",
      copies,
      two,
      { members: "a b c", wanted: "c a" },
      "copies ac",
    ],
    ["fewer: what is lost goes", copies, two, { members: "a bx c", wanted: "d a" }, "copies ac"],
    ["fewer, but too few are good", copies, two, { members: "a b- cx", wanted: "a b" }, "stuck"],
    ["one is enough", two, one, { members: "a b", wanted: "b" }, "copies b"],
  ] as const)("%s", (_, scheme, pool, scene, what) => {
    expect(told({ scheme, pool, ...scene })).toContain(what);
  });
});

test("a harmed one is not made anew from itself while others are away", () => {
  const stuck = (scheme: PoolScheme, members: string, wanted: string) =>
    told({ scheme, members, wanted });
  expect(stuck(copies, "a# b- c-", "a b c")).toContain("stuck");
  expect(stuck({ k: 2, m: 1 }, "a# b c-", "a b c")).toContain("stuck");
  // Nobody else is to be waited for: what is left of it goes on.
  expect(stuck({ k: 1, m: 0 }, "a#", "a")).toBe("rebuild 0 a>a of ");
  expect(stuck(copies, "a# b c-", "a b c")).toBe("rebuild 0 a>a of b");
});

test("of copies that differ none goes before they agree", () => {
  const scene = { scheme: copies, pool: { k: 1, m: 1 }, wanted: "a b" };
  expect(told({ ...scene, members: "a b c~" })).toBe("");
  expect(told({ ...scene, members: "a b c" })).toBe("copies ab");
});

test("a need that was told is wanted until the row or the places are others", () => {
  const scene = { scheme: copies, members: "a b! c", wanted: "a d c" };
  const { need } = needOf(viewIn(scene));
  expect(isWanted(viewIn(scene), need as RemakeNeed)).toBe(true);
  // Made, and good there: now it becomes a member.
  expect(isWanted(viewIn({ ...scene, others: "d" }), need as RemakeNeed)).toBe(true);
  expect(isWanted(viewIn({ ...scene, wanted: "a b c" }), need as RemakeNeed)).toBe(false);
  expect(isWanted(viewIn({ ...scene, members: "a e c" }), need as RemakeNeed)).toBe(false);
});
