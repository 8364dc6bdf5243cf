import { expect, test } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { recordBytes } from "../record.ts";
import { layOut, preferredRange } from "./layout.ts";

function needles(lengths: readonly number[], seed: number) {
  const random = seededRandom(seed);
  const ids = BigUint64Array.from(lengths, () => random.needleId()).sort();
  const order = Uint32Array.from(lengths.keys());
  return { count: lengths.length, ids, lengths: Uint32Array.from(lengths), order };
}

test.each([2, 3, 4, 10])("needles stand whole and one behind the other in %i ranges", (k) => {
  const random = seededRandom(k);
  const sizes = [0, 9, 4096, 65_536, 65_537, 300_000];
  const all = needles(
    Array.from({ length: 500 }, () => sizes[random.u32() % sizes.length] ?? 0),
    k,
  );
  const { ranges, offsets, order, rangeBytes } = layOut(all, k);
  expect(order.flat().sort((a, b) => a - b)).toEqual([...all.order]);
  for (const [range, rows] of order.entries()) {
    let end = 0;
    for (const row of rows) {
      expect([ranges[row], offsets[row]]).toEqual([range, end]);
      end += recordBytes(all.lengths[row] ?? 0);
    }
    expect(end).toBeLessThanOrEqual(rangeBytes);
  }
  const total = all.lengths.reduce((sum, length) => sum + recordBytes(length), 0);
  expect(rangeBytes * k).toBeLessThan(total + k * recordBytes(300_000));
});

test("small needles are where they are looked for, but for a few in a thousand, and nothing is padded", () => {
  const all = needles(Array<number>(16_000).fill(4096), 1);
  const { ranges, rangeBytes } = layOut(all, 4);
  const away = all.order.filter((row) => ranges[row] !== preferredRange(all.ids[row] ?? 0n, 4));
  expect(away.length).toBeLessThan(16_000 * 0.015);
  expect(rangeBytes).toBe(4_000 * recordBytes(4096));
});
