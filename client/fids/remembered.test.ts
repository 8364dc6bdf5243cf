import { expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { Remembered } from "./remembered.ts";

function asked() {
  const answers: PromiseWithResolvers<string>[] = [];
  const remembered = new Remembered<string, string>({
    ...{ clock: systemClock, freshMs: 60_000, keptMs: 60_000, most: 2 },
    ask() {
      const answer = Promise.withResolvers<string>();
      answers.push(answer);
      return answer.promise;
    },
  });
  return { remembered, answers };
}

test("who asks at the same time is told by one answer, which is remembered", async () => {
  const { remembered, answers } = asked();
  const both = Promise.all([remembered.of("a"), remembered.of("a")]);
  answers[0]?.resolve("1");
  expect(await both).toEqual(["1", "1"]);
  expect(await remembered.of("a")).toBe("1");
  expect(answers).toHaveLength(1);
});

test("an answer that was on its way when its key was forgotten is not remembered", async () => {
  const { remembered, answers } = asked();
  const before = remembered.of("a");
  remembered.forget("a");
  const after = remembered.of("a");
  answers[0]?.resolve("old");
  expect(await before).toBe("old");
  answers[1]?.resolve("new");
  expect(await after).toBe("new");
  expect(remembered.fresh("a")).toBe("new");
  expect(await remembered.of("a")).toBe("new");
  expect(answers).toHaveLength(2);
});

test("what was refused is asked for again", async () => {
  const { remembered, answers } = asked();
  const refused = remembered.of("a");
  answers[0]?.reject(new Error("no"));
  await expect(refused).rejects.toThrow("no");
  const again = remembered.of("a");
  answers[1]?.resolve("1");
  expect(await again).toBe("1");
});
