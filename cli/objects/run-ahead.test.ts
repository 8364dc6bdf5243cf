import { expect, test } from "vitest";
import { runAhead } from "./run-ahead.ts";

async function* count(to: number, made: number[], failAt = Infinity): AsyncGenerator<number> {
  for (let i = 0; i < to; i++) {
    if (i === failAt) throw new Error("the source broke");
    made.push(i);
    yield i;
  }
}

test("all items come in order, and never more than asked for are found ahead", async () => {
  const made: number[] = [];
  const got: number[] = [];
  let ended = 0;
  for await (const item of runAhead(
    count(5000, made),
    10,
    () => undefined,
    () => ended++,
  )) {
    got.push(item);
    expect(made.length).toBeLessThanOrEqual(got.length + 11);
  }
  expect(got).toEqual(made);
  expect([got.length, ended]).toEqual([5000, 1]);
});

test("who stops early stops the source; a source that fails is heard after its items", async () => {
  const made: number[] = [];
  for await (const item of runAhead(
    count(1000, made),
    3,
    () => undefined,
    () => undefined,
  ))
    if (item === 5) break;
  expect(made.length).toBeLessThan(20);
  const got: number[] = [];
  const broken = async () => {
    for await (const item of runAhead(
      count(9, [], 4),
      3,
      () => undefined,
      () => undefined,
    ))
      got.push(item);
  };
  await expect(broken()).rejects.toThrow("the source broke");
  expect(got).toEqual([0, 1, 2, 3]);
});
