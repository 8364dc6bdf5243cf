import { pino } from "pino";
import { expect, test } from "vitest";
import { SimulatedClock } from "../base/clock-simulated.ts";
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { RefusalLog } from "./refusal-log.ts";
import { asS3Error } from "./s3/errors.ts";

function logged() {
  const clock = new SimulatedClock();
  const lines: Record<string, unknown>[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const log = new RefusalLog(logger, clock);
  const request = { requestId: "1", verb: "PutObject", path: "/b/k" };
  return {
    clock,
    lines,
    refuse: (error: unknown) => log.refused(request, asS3Error(error), error),
  };
}

test("a full disk is one line in a while, without a stack, that counts what it stands for", () => {
  const { clock, lines, refuse } = logged();
  for (let i = 0; i < 1000; i++) refuse(new QuarryError("DiskFull", "every device is full"));
  expect(lines).toMatchObject([{ level: 40, code: "InsufficientStorage", path: "/b/k" }]);
  expect(lines[0]).toMatchObject({ reason: "every device is full" });
  expect(JSON.stringify(lines[0])).not.toContain("refusal-log.test.ts");
  refuse(new QuarryError("Unavailable", "no leader"));
  expect(lines[1]).toMatchObject({ code: "ServiceUnavailable" });
  clock.advance(limits.refusalLogMs);
  refuse(new QuarryError("DiskFull", "every device is full"));
  expect(lines[2]).toMatchObject({ code: "InsufficientStorage", alikeSince: 999 });
});

test("defects come with their stack, each of them; damage is named, each time", () => {
  const { lines, refuse } = logged();
  for (let i = 0; i < 2; i++) refuse(new TypeError("x is not a function"));
  for (let i = 0; i < 2; i++) refuse(new QuarryError("Damaged", "block 7, needle 9"));
  expect(lines.map(({ level }) => level)).toEqual([50, 50, 50, 50]);
  expect(JSON.stringify(lines[1])).toContain("refusal-log.test.ts");
  expect(lines[3]).toMatchObject({ reason: "block 7, needle 9", path: "/b/k" });
});

test("what the client did wrong leaves nothing", () => {
  const { lines, refuse } = logged();
  refuse(new QuarryError("NoSuchKey", "no such key"));
  refuse(new QuarryError("Busy", "too much"));
  expect(lines).toEqual([]);
});
