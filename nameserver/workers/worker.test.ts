import { expect, test } from "vitest";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import { QuarryError } from "../../base/errors.ts";
import type { Group } from "../group/group.ts";
import { Workers } from "./worker.ts";

test("trouble that changes its face, and goes and comes, is told once in a while", async () => {
  const clock = new SimulatedClock();
  const told: string[] = [];
  let turn = 0;
  const step = async () => {
    const now = turn++ % 3;
    if (now < 2) throw new QuarryError("Unavailable", `device ${now} is down`);
    return false;
  };
  const group = { isLeader: false } as Group;
  const context = { group, clock, report: (line: string) => void told.push(line) };
  const workers = new Workers(context, [{ name: "sweep", step }], 1_000);
  for (let second = 0; second < 61; second++) {
    await workers.round();
    clock.advance(1_000);
  }
  expect(told).toEqual([
    expect.stringContaining("sweep will try again: "),
    expect.stringContaining("sweep will try again: "),
  ]);
});
