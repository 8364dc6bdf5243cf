import { describe, expect, test } from "vitest";
import type { NeedleId } from "../base/ids.ts";
import { seededRandom } from "../base/random.ts";
import { NeedleIndex } from "./needle-index.ts";
import { recordBytes } from "./record.ts";

const clustered = (n: number) => BigInt(n % 7 === 0 ? n : 0xffff_ffff_0000_0000n + BigInt(n));

describe.each(["random", "clustered", "small"])("an index of %s ids", (shape) => {
  const random = seededRandom(3);
  const idOf = (n: number): NeedleId =>
    shape === "random"
      ? random.needleId()
      : ((shape === "small" ? BigInt(n + 1) : clustered(n)) as NeedleId);
  const ids = [...new Set(Array.from({ length: 3000 }, (_, n) => idOf(n)))];

  function filled(): NeedleIndex {
    const index = NeedleIndex.open();
    ids.forEach((needle, i) => {
      index.add(needle, 64 + i * 64, i);
    });
    ids.forEach((needle, i) => {
      if (i % 3 === 0) index.remove(needle);
    });
    return index;
  }

  function check(index: NeedleIndex): void {
    let live = 0;
    let liveBytes = 0;
    let digest = 0n;
    ids.forEach((needle, i) => {
      expect(index.knows(needle)).toBe(true);
      const place = index.find(needle);
      expect(place).toEqual(i % 3 === 0 ? undefined : { offset: 64 + i * 64, lengthBytes: i });
      if (place === undefined) return;
      live++;
      liveBytes += recordBytes(i);
      digest ^= needle;
    });
    expect([index.live, index.liveBytes, index.digest]).toEqual([live, liveBytes, digest]);
    for (const absent of [5_000_000n, 0xffff_ffff_ffff_fff0n, 0x8000_0000_0000_0001n])
      expect(index.find(absent as NeedleId)).toBeUndefined();
    const order = [...index.inFileOrder(64 + 64 * 100)].map((one) => one.needle);
    expect(order).toEqual(ids.filter((_, i) => i >= 100 && i % 3 !== 0));
    expect([...index.needles()].length).toBe(live);
  }

  test("finds each, open and sorted and open again", () => {
    const index = filled();
    check(index);
    index.sort();
    check(index);
    check(NeedleIndex.sorted(index.sortedRows()));
    check(NeedleIndex.openWith(index.sortedRows()));
  });

  test("takes needles when sorted, known ones and new ones", () => {
    const index = filled();
    index.sort();
    const late = 5_000_000n as NeedleId;
    index.add(late, 64, 10);
    ids.forEach((needle, i) => {
      if (i % 3 !== 0) index.add(needle, 64 + i * 64, i);
    });
    expect(index.find(late)).toEqual({ offset: 64, lengthBytes: 10 });
    index.remove(late);
    check(index);
  });

  test.each(["grows", "is sorted"])("gives what was there when it %s meanwhile", (how) => {
    const index = filled();
    const there = [...index.inFileOrder(0)];
    const ongoing = index.inFileOrder(0);
    const found = [ongoing.next().value];
    if (how === "is sorted") index.sort();
    else for (let n = 0; n < 5000; n++) index.add(random.needleId(), 1024 * 1024 + n * 64, n);
    expect([...found, ...ongoing]).toEqual(there);
  });

  test("takes back removals when sorted", () => {
    const index = filled();
    index.sort();
    for (const needle of ids) index.remove(needle);
    expect([index.live, index.liveBytes, index.digest]).toEqual([0, 0, 0n]);
  });
});
