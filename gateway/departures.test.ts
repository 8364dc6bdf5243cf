import { expect, test } from "vitest";
import { SimulatedClock } from "../base/clock-simulated.ts";
import { Departures } from "./departures.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("the answers of a turn leave in their order, and not before its end", async () => {
  const departures = new Departures();
  const clock = new SimulatedClock();
  const sent: number[] = [];
  for (const n of [1, 2, 3]) departures.add(clock, () => sent.push(n));
  await Promise.resolve();
  expect(sent).toEqual([]);
  await turn();
  expect(sent).toEqual([1, 2, 3]);
  departures.add(clock, () => sent.push(4));
  await turn();
  expect(sent).toEqual([1, 2, 3, 4]);
});

test("in a turn that takes long, or has many, they do not wait for its end", async () => {
  const departures = new Departures();
  const clock = new SimulatedClock();
  let sent = 0;
  const send = () => {
    sent++;
  };
  departures.add(clock, send);
  clock.advance(2);
  departures.add(clock, send);
  expect(sent).toBe(2);
  for (let n = 0; n < 31; n++) departures.add(clock, send);
  expect(sent).toBe(2);
  departures.add(clock, send);
  expect(sent).toBe(34);
  await turn();
  expect(sent).toBe(34);
});
