import { expect, test } from "vitest";
import { MemoryBudget } from "./memory-budget.ts";

const settled = async (promise: Promise<unknown>) =>
  await Promise.race([
    promise.then(() => true),
    new Promise((later) => setImmediate(() => later(false))),
  ]);

test("who asks first gets first, and nobody gets more than there is", async () => {
  const budget = new MemoryBudget(100, 50);
  const a = await budget.take(50);
  const b = await budget.take(50);
  const c = budget.take(50);
  const d = budget.take(5);
  expect(budget.contended).toBe(true);
  expect(await settled(c)).toBe(false);
  expect(await settled(d)).toBe(false); // no overtaking, although 5 bytes would fit later
  a[Symbol.dispose]();
  a[Symbol.dispose](); // twice is once
  expect(await settled(c)).toBe(true);
  expect(await settled(d)).toBe(false);
  b[Symbol.dispose]();
  expect((await d).buffer.length).toBe(5);
  expect(budget.contended).toBe(false);
});

test("buffers are used again, and what is kept for that is part of the budget", async () => {
  const KiB = 1024;
  const budget = new MemoryBudget(1024 * KiB, 512 * KiB);
  const first = await budget.take(512 * KiB);
  const memory = first.buffer.buffer;
  expect(memory).toBeInstanceOf(SharedArrayBuffer);
  first[Symbol.dispose]();
  const again = await budget.take(400 * KiB);
  expect(again.buffer.buffer).toBe(memory);
  expect(again.buffer.length).toBe(400 * KiB);
  again[Symbol.dispose]();
  const others = [await budget.take(256 * KiB), await budget.take(256 * KiB)];
  const small = others.map(({ buffer }) => buffer.buffer);
  // V8 does not see when shared memory is dropped, so only whole chunks are of it, and they stay.
  for (const one of small) expect(one).toBeInstanceOf(ArrayBuffer);
  for (const slot of others) slot[Symbol.dispose]();
  const whole = await budget.take(512 * KiB);
  expect(whole.buffer.buffer).toBe(memory);
  await budget.take(512 * KiB); // there is no room for the small ones that were kept any more
  whole[Symbol.dispose]();
  expect(small).not.toContain((await budget.take(256 * KiB)).buffer.buffer);
});

test("a reservation is given only from free room", async () => {
  const budget = new MemoryBudget(100, 50);
  const half = budget.tryReserve(60);
  expect(half).toBeDefined();
  expect(budget.tryReserve(60)).toBeUndefined();
  half?.[Symbol.dispose]();
  expect(budget.tryReserve(60)).toBeDefined();
});

test("waiting has an end: too many are refused", async () => {
  const budget = new MemoryBudget(10, 10);
  await budget.take(10);
  const waiting = Array.from({ length: 1024 }, () => budget.take(10));
  await expect(budget.take(10)).rejects.toMatchObject({ code: "Busy" });
  expect(waiting).toHaveLength(1024);
});
