import { expect, test } from "vitest";
import { ByteBudget } from "./byte-budget.ts";

test("who wants more than is left waits in order; more than all counts as all", async () => {
  const budget = new ByteBudget(10);
  const first = await budget.take(6);
  const order: string[] = [];
  const large = budget.take(99).then((share) => {
    order.push("large");
    return share;
  });
  const small = budget.take(1).then((share) => {
    order.push("small");
    return share;
  });
  await Promise.resolve();
  expect(order).toEqual([]);
  first[Symbol.dispose]();
  const share = await large;
  expect(order).toEqual(["large"]);
  share[Symbol.dispose]();
  (await small)[Symbol.dispose]();
  expect(order).toEqual(["large", "small"]);
});
