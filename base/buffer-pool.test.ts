import { expect, test } from "vitest";
import { BufferPool } from "./buffer-pool.ts";

const MiB = 1 << 20;

test("memory given back is handed out again, once", () => {
  const pool = new BufferPool(8 * MiB);
  const first = pool.take(MiB);
  pool.give(first.subarray(10, 20));
  pool.give(first); // already given
  const second = pool.take(MiB - 5);
  const third = pool.take(MiB);
  expect(second.length).toBe(MiB - 5);
  expect(second.buffer).toBe(first.buffer);
  expect(third.buffer).not.toBe(first.buffer);
});

test("what the pool did not hand out stays with its owner", () => {
  const pool = new BufferPool(8 * MiB);
  const own = Buffer.allocUnsafeSlow(MiB);
  pool.give(own);
  pool.give(Buffer.from("small"));
  expect(pool.take(MiB).buffer).not.toBe(own.buffer);
});

test("keeps no more than it may", () => {
  const pool = new BufferPool(2 * MiB);
  const taken = Array.from({ length: 4 }, () => pool.take(MiB));
  for (const one of taken) pool.give(one);
  const again = new Set(Array.from({ length: 4 }, () => pool.take(MiB).buffer));
  expect(taken.filter((one) => again.has(one.buffer))).toHaveLength(2);
});

test("what is kept is of the sizes that are asked for now", () => {
  const pool = new BufferPool(4 * MiB);
  const old = Array.from({ length: 4 }, () => pool.take(MiB));
  for (const one of old) pool.give(one);
  const fresh = Array.from({ length: 2 }, () => pool.take(2 * MiB));
  for (const one of fresh) pool.give(one);
  const again = new Set(Array.from({ length: 2 }, () => pool.take(2 * MiB).buffer));
  expect(fresh.every((one) => again.has(one.buffer))).toBe(true);
  expect(old.some((one) => pool.take(MiB).buffer === one.buffer)).toBe(false);
});

test("small buffers are used again too, by size; tiny ones are left to the garbage collector", () => {
  const pool = new BufferPool(MiB);
  const first = pool.take(4096);
  const other = pool.take(5000);
  pool.give(first);
  pool.give(other);
  expect(pool.take(2048).buffer).toBe(first.buffer);
  expect(pool.take(8192).buffer).toBe(other.buffer);
  const tiny = pool.take(100);
  pool.give(tiny);
  expect(pool.take(4000).buffer).not.toBe(tiny.buffer);
  const sizes = Array.from({ length: 40 }, (_, i) => i * 4099);
  for (const lengthBytes of sizes) expect(pool.take(lengthBytes)).toHaveLength(lengthBytes);
});
