import { expect, test } from "vitest";
import { SimulatedClock } from "../base/clock-simulated.ts";
import { type ErrorCode, QuarryError } from "../base/errors.ts";
import type { ServerId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { HeartbeatAnswer } from "../rpc/liveness-service.ts";
import { Attendance } from "./attendance.ts";

const address = "10.0.0.1:7101";

function scene() {
  const clock = new SimulatedClock();
  const told: string[] = [];
  const beats = { a: 0, b: 0 };
  const now: { epoch: number; refusal: ErrorCode | undefined; answer: HeartbeatAnswer } = {
    ...{ epoch: 7, refusal: undefined },
    answer: { epoch: 7, address },
  };
  let registrations = 0;
  const attendance = new Attendance({
    ...{ clock, address, server: "s" as ServerId, report: (message) => told.push(message) },
    devices: async () => [],
    register: async () => {
      registrations++;
      if (now.refusal !== undefined) throw new QuarryError(now.refusal, "not now");
      return now.epoch;
    },
    nameservers: new Map([
      ["a", { heartbeat: async () => ({ ...now.answer, n: beats.a++ }) }],
      // It stands still: nobody waits for it.
      ["b", { heartbeat: () => new Promise<HeartbeatAnswer>(() => beats.b++) }],
    ]),
  });
  const seconds = async (count: number) => {
    for (let n = 0; n < count; n++) {
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      clock.advance(limits.heartbeatMs);
    }
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  return { attendance, now, told, beats, seconds, count: () => registrations };
}

test("registers until that is done, says the trouble once, and is heard of every second", async () => {
  const { now, told, beats, seconds, count, attendance } = scene();
  now.refusal = "Unavailable";
  await seconds(3);
  expect([count(), told.length, beats.a]).toEqual([4, 1, 0]);
  now.refusal = undefined;
  await seconds(4);
  await attendance.registered;
  expect([count(), beats.a, beats.b]).toEqual([5, 4, 1]);
});

test("what only a person can mend ends it", async () => {
  const { now, attendance, seconds } = scene();
  now.refusal = "Protocol";
  await seconds(1);
  expect((await attendance.failed).code).toBe("Protocol");
});

test("believes no nameserver that is behind, and registers again where it is not known", async () => {
  const { now, count, seconds } = scene();
  now.answer = { epoch: 6 };
  await seconds(3);
  expect(count()).toBe(1);
  now.answer = { epoch: 8 };
  await seconds(2);
  expect(count()).toBe(2);
});

test("stops when somebody else runs with its folder", async () => {
  const { now, attendance, seconds } = scene();
  now.answer = { epoch: 8, address: "10.0.0.9:7101" };
  await seconds(2);
  expect((await attendance.failed).code).toBe("Locked");
});
