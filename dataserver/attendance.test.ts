import { expect, test } from "vitest";
import { SimulatedClock } from "../base/clock-simulated.ts";
import { type ErrorCode, QuarryError } from "../base/errors.ts";
import type { LogIndex, ServerId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { HeartbeatAnswer } from "../rpc/liveness-service.ts";
import { Attendance } from "./attendance.ts";

const address = "10.0.0.1:7101";
const group = { nameservers: ["a", "b"], applied: 9 as LogIndex };

function scene() {
  const clock = new SimulatedClock();
  const told: string[] = [];
  const beats = new Map<string, number>();
  const now: { epoch: number; refusal: ErrorCode | undefined; answer: HeartbeatAnswer } = {
    ...{ epoch: 7, refusal: undefined },
    answer: { epoch: 7, address, ...group },
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
    nameservers: ["a", "b"],
    lineTo: (name) => ({
      heartbeat: (): Promise<HeartbeatAnswer> => {
        beats.set(name, (beats.get(name) ?? 0) + 1);
        // The second stands still: nobody waits for it.
        return name === "b" ? new Promise(() => {}) : Promise.resolve(now.answer);
      },
    }),
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
  expect([count(), told.length, beats.size]).toEqual([4, 1, 0]);
  now.refusal = undefined;
  await seconds(4);
  await attendance.registered;
  expect([count(), beats.get("a"), beats.get("b")]).toEqual([5, 4, 1]);
});

test("what only a person can mend ends it", async () => {
  const { now, attendance, seconds } = scene();
  now.refusal = "Protocol";
  await seconds(1);
  expect((await attendance.failed).code).toBe("Protocol");
});

test("believes no nameserver that is behind, and registers again where it is not known", async () => {
  const { now, count, seconds } = scene();
  now.answer = { ...group, epoch: 6 };
  await seconds(3);
  expect(count()).toBe(1);
  now.answer = { ...group, epoch: 8 };
  await seconds(2);
  expect(count()).toBe(2);
});

test("says that it leaves to all, and waits for those who answer", async () => {
  const { attendance, beats, seconds, now } = scene();
  await seconds(2);
  now.answer = { ...now.answer, ...group, nameservers: ["a"], applied: 10 as LogIndex };
  await seconds(2);
  const before = beats.get("a") ?? 0;
  await attendance.leave();
  await seconds(3);
  expect(beats.get("a")).toBe(before + 1);
});

test("stops when somebody else runs with its folder", async () => {
  const { now, attendance, seconds } = scene();
  now.answer = { ...group, epoch: 8, address: "10.0.0.9:7101" };
  await seconds(2);
  expect((await attendance.failed).code).toBe("Locked");
});

test("is heard by nameservers that come later, and seeks none that are gone", async () => {
  const { now, beats, seconds } = scene();
  await seconds(2);
  now.answer = { epoch: 7, address, nameservers: ["a", "c"], applied: 10 as LogIndex };
  await seconds(2);
  // One that lags tells of those before.
  now.answer = { epoch: 7, address, ...group };
  await seconds(3);
  expect([beats.get("b"), beats.get("c")]).toEqual([1, 4]);
});
