import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import { askedToStop } from "./stop-signals.ts";

test("what a terminal and a wrapper send for one Ctrl-C is one; a later one does not wait", async () => {
  const clock = new SimulatedClock();
  const signals = new EventEmitter();
  let ended = 0;
  const asked = askedToStop(() => ended++, signals, clock);
  signals.emit("SIGINT");
  await asked;
  clock.advance(300);
  signals.emit("SIGINT");
  signals.emit("SIGTERM");
  expect(ended).toBe(0);
  clock.advance(1000);
  signals.emit("SIGINT");
  expect(ended).toBe(1);
});
