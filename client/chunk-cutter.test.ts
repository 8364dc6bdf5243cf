import { expect, test } from "vitest";
import type { Clock } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import { seededRandom } from "../base/random.ts";
import { ChunkCutter } from "./chunk-cutter.ts";
import { MemoryBudget } from "./memory-budget.ts";

/** Time that stands still until told. */
function standingClock(): Clock & { advance(ms: number): void } {
  let nowMs = 0;
  let timers: { atMs: number; run: () => void }[] = [];
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    after(delayMs, run) {
      const timer = { atMs: nowMs + delayMs, run };
      timers.push(timer);
      return { cancel: () => (timers = timers.filter((other) => other !== timer)) };
    },
    advance(ms) {
      nowMs += ms;
      const due = timers.filter((timer) => timer.atMs <= nowMs);
      timers = timers.filter((timer) => timer.atMs > nowMs);
      for (const timer of due) timer.run();
    },
  };
}

async function* views(...parts: Uint8Array[]) {
  yield* parts;
}

const budget = () => new MemoryBudget(4 * limits.chunkBytes);

test("chunks joined again are the body, whatever its views were", async () => {
  const random = seededRandom(7);
  for (let round = 0; round < 5; round++) {
    const parts = Array.from({ length: 40 }, () => random.bytes(random.u32() % 400_000));
    const whole = Buffer.concat(parts);
    const announced = round % 2 === 0 ? { lengthBytes: whole.length } : {};
    const cutter = new ChunkCutter(budget(), standingClock(), {
      bytes: views(...parts),
      ...announced,
    });
    const chunks: Buffer[] = [];
    for (let slot = await cutter.next(); slot !== undefined; slot = await cutter.next()) {
      chunks.push(Buffer.from(slot.buffer));
      slot[Symbol.dispose]();
    }
    expect(Buffer.concat(chunks).equals(whole)).toBe(true);
    for (const chunk of chunks.slice(0, -1)) expect(chunk.length).toBe(limits.chunkBytes);
  }
});

test("an empty body has no chunk", async () => {
  const cutter = new ChunkCutter(budget(), standingClock(), { bytes: views(), lengthBytes: 0 });
  expect(await cutter.next()).toBeUndefined();
});

test.each([
  [10, 12, /goes on behind that/],
  [12, 10, /ended after 10/],
])("announced %i, came %i: refused", async (lengthBytes, came, message) => {
  const body = { bytes: views(Buffer.alloc(came - 1), Buffer.alloc(1)), lengthBytes };
  const cutter = new ChunkCutter(budget(), standingClock(), body);
  const readAll = async () => {
    while ((await cutter.next()) !== undefined);
  };
  await expect(readAll()).rejects.toThrow(message);
});

test("a slow sender's chunk is cut short when another waits, and not otherwise", async () => {
  const clock = standingClock();
  const memory = new MemoryBudget(limits.chunkBytes);
  const more = Promise.withResolvers<void>();
  async function* slowly() {
    yield Buffer.from("first");
    await more.promise;
    yield Buffer.from("second");
  }
  const cutter = new ChunkCutter(memory, clock, { bytes: slowly() });
  const first = cutter.next();
  const tick = () => new Promise((resolve) => setImmediate(resolve));
  await tick();
  clock.advance(limits.slotHoldMs); // nobody waits: it goes on
  await tick();
  const waiting = memory.take(limits.chunkBytes);
  clock.advance(limits.slotHoldMs);
  const slot = await first;
  expect(slot?.buffer.toString()).toBe("first");
  slot?.[Symbol.dispose]();
  (await waiting)[Symbol.dispose]();
  more.resolve();
  const second = await cutter.next();
  expect(second?.buffer.toString()).toBe("second");
  expect(await cutter.next()).toBeUndefined();
});

test("closing early lets go of the body", async () => {
  let released = false;
  async function* endless() {
    try {
      for (;;) yield Buffer.alloc(10);
    } finally {
      released = true;
    }
  }
  const cutter = new ChunkCutter(budget(), standingClock(), { bytes: endless() });
  await cutter.next();
  await cutter.close();
  expect(released).toBe(true);
});
