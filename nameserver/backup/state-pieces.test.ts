import { expect, test } from "vitest";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import { limits } from "../../base/limits.ts";
import { seededRandom } from "../../base/random.ts";
import { keys } from "../keyspace.ts";
import { encodeRow } from "../row-codec.ts";
import { MemoryState } from "../state-memory.ts";
import { StatePieces } from "./state-pieces.ts";

/** Counts the moments of it that are held. */
class HeldState extends MemoryState {
  held = 0;

  override snapshot() {
    const moment = super.snapshot();
    this.held++;
    return Object.assign(moment, {
      [Symbol.asyncDispose]: async () => {
        this.held--;
      },
    });
  }
}

async function filled(rows: number, isHarmed: boolean) {
  const state = new HeldState();
  for (let i = 0; i < rows; i++) {
    const key = keys.bucket(`bucket-${i}`);
    const keyBytes = Buffer.from(key, "latin1");
    const value = encodeRow(keyBytes, { tags: "x".repeat(4_000) });
    if (isHarmed && i === 0) value[9] = (value[9] ?? 0) ^ 1;
    await state.write([{ key, keyBytes, value }]);
  }
  const clock = new SimulatedClock();
  const group = { state, readBarrier: () => Promise.resolve() };
  return { state, clock, pieces: new StatePieces({ group, clock, random: seededRandom(1) }) };
}

const anew = { offset: 0 };

test("a state that cannot be read is not held for those who try", async () => {
  const { state, pieces } = await filled(3, true);
  for (let i = 0; i < 5; i++)
    await expect(pieces.piece(anew)).rejects.toMatchObject({ code: "Damaged" });
  expect(state.held).toBe(0);
});

test("a reading that nobody goes on with is given up, and a small one is over at once", async () => {
  const small = await filled(3, false);
  expect((await small.pieces.piece(anew)).last).toBe(true);
  expect(small.state.held).toBe(0);
  const { state, clock, pieces } = await filled(600, false);
  expect((await pieces.piece(anew)).last).toBe(false);
  expect(state.held).toBe(1);
  clock.advance(limits.stateReadingMs);
  await pieces[Symbol.asyncDispose]();
  expect(state.held).toBe(0);
});
