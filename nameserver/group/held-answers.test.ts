import { expect, test } from "vitest";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import type { LogIndex, NodeId, Term } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Message } from "../../raft/message.ts";
import { HeldAnswers } from "./held-answers.ts";

const [one, two, three] = [1 as NodeId, 2 as NodeId, 3 as NodeId];
const envelope = { from: one, to: two, term: 7 as Term };
const kept = (index: number): Message => ({
  ...{ ...envelope, type: "appended", index: index as LogIndex },
});
const append: Message = {
  ...{ ...envelope, type: "append", previousIndex: 1 as LogIndex, previousTerm: 6 as Term },
  ...{ commit: 1 as LogIndex, entries: [] },
};

const asked: readonly Message[] = [{ ...append, from: two, to: one }];

test("what is said in one turn goes with the oldest answer, what comes later with the next", async () => {
  using answers = new HeldAnswers(new SimulatedClock());
  const [first, second] = [answers.hold(asked), answers.hold(asked)];
  expect([1, 2].map((index) => answers.take(kept(index)))).toEqual([true, true]);
  expect(await first).toEqual([kept(1), kept(2)]);
  expect(answers.take(kept(3))).toBe(true);
  expect(await second).toEqual([kept(3)]);
  expect(answers.take(kept(4))).toBe(false);
});

test("bulk, and what is for others, goes its own way", async () => {
  using answers = new HeldAnswers(new SimulatedClock());
  const held = answers.hold(asked);
  expect(answers.take(append)).toBe(false);
  expect(answers.take({ ...kept(1), to: three })).toBe(false);
  expect(answers.take(kept(1))).toBe(true);
  expect(await held).toEqual([kept(1)]);
});

test("an answer for which there is nothing to say is held back for a moment only", async () => {
  const clock = new SimulatedClock();
  using answers = new HeldAnswers(clock);
  const held = answers.hold(asked);
  clock.advance(limits.groupHeldMs + 1);
  expect(await held).toEqual([]);
  expect(answers.take(kept(1))).toBe(false);
});

test("who has sent all that may be under way is answered, so that more can come", async () => {
  using answers = new HeldAnswers(new SimulatedClock());
  const held = Array.from({ length: limits.groupBatches }, () => answers.hold(asked));
  expect(await held.shift()).toEqual([]);
  for (const [index, one] of held.entries()) {
    expect(answers.take(kept(index))).toBe(true);
    expect(await one).toEqual([kept(index)]);
  }
});

test("what asks for nothing is answered at once", async () => {
  using answers = new HeldAnswers(new SimulatedClock());
  expect(await answers.hold([{ ...kept(1), from: two, to: one }])).toEqual([]);
  expect(await answers.hold([])).toEqual([]);
});

test("closed, it holds nobody", async () => {
  const answers = new HeldAnswers(new SimulatedClock());
  const before = answers.hold(asked);
  answers[Symbol.dispose]();
  expect([await before, await answers.hold(asked)]).toEqual([[], []]);
});
