/** The simulation itself, tiny: nothing is lost in it, and what it says of itself adds up. */
import { expect, test } from "vitest";
import { limits } from "../../base/limits.ts";
import { fills, growths } from "./fill.ts";
import { beginning, grow, lose } from "./healing.ts";
import { loadOf } from "./load.ts";
import { openings } from "./openings.ts";
import { passes } from "./pass.ts";
import { rowCosts } from "./rows.ts";
import { Scene } from "./scene.ts";
import { counted, disks, type Setting, shareOf } from "./setting.ts";
import { stockCost } from "./stock-costs.ts";
import { walls } from "./walls.ts";

const hdd = disks["hdd"];
if (hdd === undefined) throw new TypeError("there are such disks");

const setting: Setting = {
  ...{ devices: 36, racks: 9, hostDevices: 2, objects: 1e6, objectBytes: 65_536 },
  ...{ scheme: { k: 4, m: 2 }, packing: "split", pgNum: 256, disk: hdd, simulated: 120 },
  ...{ hostBytes: 1.25e9, rackBytes: 5e9, processBytes: 400e6, healingShare: 0.5 },
};

test("every block has all its pieces in as many racks after whatever was lost or came", async () => {
  await using scene = await Scene.open(setting);
  await beginning(scene);
  await scene.check();
  const { pieceBytes } = counted(setting);
  for (const lost of [[0], [4, 5], [8, 9, 10, 11]]) {
    const held = scene.piecesOf(lost);
    expect(held).toBeGreaterThan(0);
    const healed = await lose(scene, "lost", lost);
    // What was lost is made anew, once; a little more moves, as CRUSH draws again.
    expect(healed.made).toBeGreaterThanOrEqual(held);
    expect(healed.made).toBeLessThan(2 * held);
    expect(healed.whole.movedBytes).toBeCloseTo((healed.made * pieceBytes) / shareOf(setting), -6);
    expect(healed.atOnce).toBeLessThanOrEqual(limits.healingAtOnce);
    await scene.check();
  }
  const before = scene.piecesOf([36, 37]);
  const healed = await grow(scene, "host", [0]);
  expect(healed.retired).toBe(healed.made);
  expect(scene.piecesOf([36, 37])).toBeGreaterThan(before);
  await scene.check();
});

test("a block that lacks a piece, or has two in one rack, is found", async () => {
  await using scene = await Scene.open(setting);
  await beginning(scene);
  scene.blocks.lose(3);
  await expect(scene.check()).rejects.toThrow("lacks piece");
});

test("what is measured is measured of as many as it says", async () => {
  await using scene = await Scene.open(setting);
  await beginning(scene);
  const [opening] = await openings(setting, [65_536]);
  expect(opening).toMatchObject({ blocks: 65_536 });
  expect(opening?.idReads).toBeGreaterThan(0);
  expect(stockCost(200, setting.devices, setting.scheme).pieces).toBe(1_200);
  // Times of so little may well be told as none.
  const { objects, walkMicros } = await rowCosts(512);
  expect(objects.map((one) => one.objects)).toEqual([256, 512]);
  expect(objects[1].bytesPerObject).toBeGreaterThan(0);
  expect(walkMicros).toBeGreaterThanOrEqual(0);
  const { blocks, allMicrosPerBlock } = await passes(scene);
  expect(blocks).toBe(setting.simulated);
  expect(allMicrosPerBlock).toBeGreaterThanOrEqual(0);
});

test("walls stand in proportion to what was measured, the nearest first", () => {
  const rows = { objects: 1, bytesPerObject: 200, applyMicros: 20 };
  const found = walls(setting, {
    stock: { pieces: 1, bytesPerPiece: 250, hearMicros: 2, tellMicros: 1 },
    rows: { objects: [rows, rows], walkMicros: 3 },
    pass: { blocks: 1, allMicrosPerBlock: 10, flapMicrosPerBlock: 0.1, idleMs: 1 },
    heapBytes: 2 ** 32,
  });
  const objects = found.map((wall) => wall.objects);
  expect(objects).toEqual(objects.toSorted((a, b) => a - b));
  expect(objects.every((count) => count > 0 && Number.isFinite(count))).toBe(true);
  const { pieces } = counted(setting);
  const of = (what: string) => found.find((wall) => wall.what.includes(what))?.objects;
  expect(of("stockEntries")).toBeCloseTo((limits.stockEntries / pieces) * setting.objects, 0);
  expect(of("heap")).toBeCloseTo((2 ** 32 / (pieces * 250)) * setting.objects, 0);
  expect(of("2 TB")).toBe(1e10);
});

test("all places together are what the groups give out, and what moves is what comes", async () => {
  for (const { min, max, usable } of await fills(setting)) {
    expect(min).toBeLessThanOrEqual(1);
    expect(usable).toBeCloseTo(1 / max);
  }
  for (const { moved, ideal } of await growths(setting)) expect(moved).toBeGreaterThan(ideal / 2);
  expect(loadOf(setting).heartbeats).toBe(setting.devices);
});
