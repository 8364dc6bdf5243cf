import { expect, test } from "vitest";
import type { DeviceId, NeedleId } from "../../base/ids.ts";
import type { InspectedBlock } from "../../dataserver/inspect.ts";
import { NeedleIndex } from "../../dataserver/needle-index.ts";
import type { BlockRow } from "../../nameserver/rows.ts";
import { holdingOf } from "./holding.ts";

const chunk = { needle: 5n as NeedleId, lengthBytes: 1000 };
const devices = (...names: string[]) => names as DeviceId[];

/** A copy with the needle in it, harmed or not. */
function copy(isHarmed = false): InspectedBlock {
  const index = NeedleIndex.open();
  index.add(chunk.needle, 64, chunk.lengthBytes);
  return { index, harmed: new Set(isHarmed ? [chunk.needle] : []) } as unknown as InspectedBlock;
}

const holding = (row: Partial<BlockRow>, held: Record<string, InspectedBlock>) =>
  holdingOf(row as BlockRow, chunk, (device) => held[device]);

test("of copies one is enough; all that are there and good are full", () => {
  const row = { scheme: { k: 1, m: 1 }, members: devices("a", "b") };
  expect(holding(row, { a: copy(), b: copy() })).toBe("full");
  expect(holding(row, { a: copy(), b: copy(true) })).toBe("thin");
  expect(holding(row, { b: copy(true) })).toBe("lost");
});

test("until the members of stripes have switched the copies before count", () => {
  const stripes: Partial<BlockRow> = {
    ...{ layout: "striped", scheme: { k: 2, m: 1 }, generation: 2 },
    members: devices("a", "b", "c"),
  };
  const before = { generation: 1, members: devices("a", "d") };
  expect(holding({ ...stripes, before }, { a: copy(true), d: copy() })).toBe("thin");
  expect(holding({ ...stripes, before }, { a: copy(true), b: copy() })).toBe("lost");
  expect(holding(stripes, { a: copy(), d: copy() })).toBe("lost");
});

test("stripes of another generation do not add up with these, and count as what was before", () => {
  const piece = (generation: number, piece: number): InspectedBlock =>
    ({
      ...copy(),
      damage: [],
      superblock: { generation, piece, k: 2 },
      stripe: { hasSpanSums: true, placeOf: () => ({ range: 0, offset: 64, lengthBytes: 1000 }) },
    }) as unknown as InspectedBlock;
  const stripes: Partial<BlockRow> = {
    ...{ layout: "striped", scheme: { k: 2, m: 1 }, generation: 3 },
    members: devices("a", "b", "c"),
  };
  expect(holding(stripes, { a: piece(3, 0), b: piece(3, 1), c: piece(3, 2) })).toBe("full");
  expect(holding(stripes, { b: piece(3, 1), c: piece(3, 2) })).toBe("thin");
  expect(holding(stripes, { b: piece(2, 1), c: piece(3, 2) })).toBe("lost");
  const before = { generation: 2, members: devices("a", "b", "c") };
  expect(holding({ ...stripes, before }, { b: piece(2, 1), c: piece(2, 2) })).toBe("thin");
});

test("a block that no row tells of gives nothing", () => {
  expect(holdingOf(undefined, chunk, () => copy())).toBe("lost");
});
