import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { moduleText } from "../assemble.ts";
import { crc32c } from "../checksum.ts";
import { limits } from "../limits.ts";
import { seededRandom } from "../random.ts";
import { matchingSpans } from "./fold.ts";

const SPAN = limits.checksumSpanBytes;
const random = seededRandom(9);

test("the module is what the source builds", async () => {
  const checkedIn = readFileSync(join(import.meta.dirname, "module.ts"), "utf8");
  expect(await moduleText(import.meta.dirname)).toBe(checkedIn);
});

test("where the engine has no vectors none is found to be right, and each is looked at by itself", async () => {
  const validate = vi.spyOn(WebAssembly, "validate").mockReturnValue(false);
  vi.resetModules();
  const without = await import("./fold.ts");
  const { data, seed, sums } = summed(8);
  expect(without.matchingSpans(data, sums, seed)).toBe(0);
  expect(validate).toHaveBeenCalled();
  validate.mockRestore();
});

function summed(spans: number, fill?: number) {
  const data = fill === undefined ? random.bytes(spans * SPAN) : Buffer.alloc(spans * SPAN, fill);
  const seed = random.u32();
  const sums = new Uint32Array(spans);
  for (let i = 0; i < spans; i++) sums[i] = crc32c(data.subarray(i * SPAN, (i + 1) * SPAN), seed);
  return { data, seed, sums };
}

test.each([
  [0, 0],
  [1, 0],
  [3, 0],
  [4, 4],
  [7, 4],
  [16, 16],
  [35, 32],
  [70, 68],
])("of %i right spans %i are found to be", (spans, found) => {
  const { data, seed, sums } = summed(spans);
  expect(matchingSpans(data, sums, seed)).toBe(found);
  // What was summed before leaves nothing behind.
  const zeros = summed(spans, 0);
  expect(matchingSpans(zeros.data, zeros.sums, zeros.seed)).toBe(found);
});

describe("wrong", () => {
  const { data, seed, sums } = summed(36);

  /** Changes bytes, asks, and changes them back. */
  function withFaults(faults: readonly { readonly at: number; readonly by: Uint8Array }[]): number {
    const toggle = () => {
      for (const { at, by } of faults)
        for (const [i, bits] of by.entries()) data[at + i] = (data[at + i] ?? 0) ^ bits;
    };
    toggle();
    try {
      return matchingSpans(data, sums, seed);
    } finally {
      toggle();
    }
  }

  test("a bit anywhere", () => {
    const places = [0, 1, SPAN - 1, SPAN, 31 * SPAN, 32 * SPAN - 1, 32 * SPAN, 36 * SPAN - 1];
    for (let i = 0; i < 40; i++) places.push(random.u32() % data.length);
    for (const at of places) {
      const by = Uint8Array.of(1 << (at % 8));
      expect(withFaults([{ at, by }]), String(at)).toBe(at < 32 * SPAN ? 0 : 32);
    }
    expect(matchingSpans(data, sums, seed)).toBe(36);
  });

  test("a sector that is zeros, junk, or what belongs elsewhere, in one span or at one place of many", () => {
    for (const sectorBytes of [512, 4096])
      for (let round = 0; round < 10; round++) {
        const sector = (random.u32() % (SPAN / sectorBytes)) * sectorBytes;
        const by = random.bytes(sectorBytes);
        const one = { at: (random.u32() % 32) * SPAN + sector, by };
        expect(withFaults([one])).toBe(0);
        const many = Array.from({ length: 2 + (round % 3) }, (_, i) => ({
          at: (round + i * 5) * SPAN + sector,
          by: round % 2 === 0 ? by : Buffer.alloc(sectorBytes, 0x20),
        }));
        expect(withFaults(many)).toBe(0);
      }
  });

  test("two spans that changed places, and all zeros", () => {
    const other = Buffer.from(data);
    data.copy(other, 0, 5 * SPAN, 6 * SPAN);
    data.copy(other, 5 * SPAN, 0, SPAN);
    expect(matchingSpans(other, sums, seed)).toBe(0);
    expect(matchingSpans(Buffer.alloc(data.length), sums, seed)).toBe(0);
  });

  test("a checksum, or the seed", () => {
    const wrong = Uint32Array.from(sums);
    wrong[7] = (wrong[7] ?? 0) ^ 0x8000_0000;
    expect(matchingSpans(data, wrong, seed)).toBe(0);
    expect(matchingSpans(data, sums, (seed ^ 1) >>> 0)).toBe(0);
  });
});
