import { expect, test } from "vitest";
import { pause } from "./pause.ts";

test("a leader that stood still and goes on answers nothing from before (short form)", async () => {
  const counts = await pause({ seconds: 1, members: 3, seed: 20_261_121, pauseMs: 3_000 });
  expect(counts.complaints).toEqual([]);
  expect(counts).toMatchObject({ lost: 0, wrong: 0, violations: 0, undecided: 0, failovers: 1 });
}, 120_000);
