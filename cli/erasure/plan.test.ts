import { expect, test } from "vitest";
import { parseScheme } from "../../erasure/scheme.ts";
import { PLAN_SCHEMES, planTable } from "./plan.ts";

test("the table shows each scheme on a line of its own", () => {
  const table = planTable(["1+2", "10+4"].map(parseScheme), {
    failuresAYear: 0.02,
    repairHours: 24,
  });
  expect(table.split("\n")).toEqual([
    "scheme  devices  stored  may lose  nines  loss a year",
    "   1+2        3   3.00×         2    9.7      1.9e-10",
    "  10+4       14   1.40×         4   14.7      1.9e-15",
  ]);
});

test("the schemes shown by default are schemes", () => {
  expect(PLAN_SCHEMES.map(parseScheme)).toHaveLength(PLAN_SCHEMES.length);
});
