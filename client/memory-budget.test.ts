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

test("chunk-sized buffers are reused, small ones are exact", async () => {
  const budget = new MemoryBudget(1000, 100);
  const first = await budget.take(100);
  const backing = first.buffer.buffer;
  first[Symbol.dispose]();
  expect((await budget.take(90)).buffer.buffer).toBe(backing);
  expect((await budget.take(10)).buffer.length).toBe(10);
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
