import { expect, test } from "vitest";
import { seededRandom } from "../base/random.ts";
import { CodecMemory } from "./memory.ts";

const MiB = 1024 * 1024;

test("runs never overlap, start on lines, and all come back", () => {
  for (const seed of [1, 2, 3]) {
    const random = seededRandom(seed);
    const memory = new CodecMemory({ maxBytes: 16 * MiB });
    const held = new Map<number, { length: number; mark: number }>();
    for (let step = 0; step < 2000; step++) {
      if (held.size < 40 && random.u32() % 3 > 0) {
        const length = random.u32() % 50_000;
        const address = memory.allocate(length);
        const mark = random.u32() % 256;
        expect(address % 64).toBe(0);
        memory.view(address, length).fill(mark);
        held.set(address, { length, mark });
      } else {
        const [address] = [...held.keys()].slice(random.u32() % Math.max(held.size, 1));
        if (address === undefined) continue;
        const { length, mark } = held.get(address)!;
        expect(memory.view(address, length).equals(Buffer.alloc(length, mark))).toBe(true);
        memory.release(address);
        held.delete(address);
      }
    }
    for (const address of held.keys()) memory.release(address);
    expect(memory.usedBytes).toBe(0);
    // all free runs are joined again: one allocation of nearly everything needs no growth
    const size = memory.shared.buffer.byteLength;
    memory.release(memory.allocate(size - 64));
    expect(memory.shared.buffer.byteLength).toBe(size);
  }
});

test("views stay good when the memory grows", () => {
  const memory = new CodecMemory();
  const view = memory.view(memory.allocate(100), 100);
  view.fill(7);
  const large = memory.view(memory.allocate(5 * MiB), 5 * MiB);
  large.fill(9);
  view[0] = 8;
  expect(view.subarray(1).equals(Buffer.alloc(99, 7))).toBe(true);
  expect(view[0]).toBe(8);
});

test("a full memory says so, and takes more once something is released", () => {
  const memory = new CodecMemory({ maxBytes: MiB });
  const first = memory.allocate(MiB / 2);
  expect(() => memory.allocate(MiB)).toThrow(/1048576 bytes more do not fit .* 1048576 bytes/);
  memory.release(first);
  memory.release(memory.allocate(MiB - 64));
  expect(() => memory.release(first)).toThrow("released once");
});
