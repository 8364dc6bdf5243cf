import { expect, test } from "vitest";
import type { BlockId, NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { NeedleReports } from "./needle-reports.ts";

const block = 1 as BlockId;
const needle = (n: number) => BigInt(n) as NeedleId;

test("reports wait in their order, each once, as it was told last", () => {
  const reports = new NeedleReports();
  reports.add(block, 0, needle(1), "missing");
  reports.add(block, 1, needle(1), "wrong");
  reports.add(block, 0, needle(1), "damaged");
  expect(reports.size).toBe(2);
  expect(reports.take(1)).toEqual([{ block, position: 1, needle: 1n, what: "wrong" }]);
  expect(reports.take(9)).toEqual([{ block, position: 0, needle: 1n, what: "damaged" }]);
  expect(reports.take(9)).toEqual([]);
});

test("of too many the oldest are forgotten", () => {
  const reports = new NeedleReports();
  for (let n = 0; n < limits.needleReportsKept + 10; n++)
    reports.add(block, 0, needle(n), "missing");
  expect(reports.size).toBe(limits.needleReportsKept);
  expect(reports.take(1)[0]?.needle).toBe(10n);
});
