import { expect, test } from "vitest";
import type { DeviceId } from "../base/ids.ts";
import type { DevicePace, DeviceStatus } from "./block-service.ts";
import { slowDevices } from "./slow-devices.ts";

const status = (
  device: string,
  pace?: DevicePace,
  state: DeviceStatus["state"] = "ok",
): DeviceStatus => ({
  ...{ device: device as DeviceId, path: "", totalBytes: 1, freeBytes: 1, state },
  ...(pace && { pace }),
});
const slow = (...statuses: DeviceStatus[]) => [...slowDevices(statuses)];

test("is who takes much longer than the others, and long", () => {
  const [a, b, c] = [3, 5, 400].map((appendMs, n) => status(`d${n}`, { appendMs, readMs: 1 }));
  if (a === undefined || b === undefined || c === undefined) throw new TypeError("three");
  expect(slow(a, b, c)).toEqual([["d2", { at: "appends", tookMs: 400, usualMs: 5 }]]);
  expect(slow(a, b, status("d2", { appendMs: 40 }))).toEqual([]);
  const busy = [100, 120, 300].map((appendMs, n) => status(`d${n}`, { appendMs }));
  expect(slow(...busy)).toEqual([]);
  expect(slow(a, b, status("d2", { readMs: 90 }))).toEqual([
    ["d2", { at: "reads", tookMs: 90, usualMs: 1 }],
  ]);
});

test("is nobody while too few say what is usual, or for who is down", () => {
  const quick = status("d0", { appendMs: 3 });
  expect(slow(quick, status("d1", { appendMs: 900 }))).toEqual([]);
  expect(slow(quick, status("d1"), status("d2", { appendMs: 900 }))).toEqual([]);
  expect(slow(quick, { ...quick }, status("d2", { appendMs: 900 }, "down"))).toEqual([]);
});
