import { expect, test } from "vitest";
import type { DeviceId } from "../../base/ids.ts";
import type { DeviceStatus } from "../../rpc/block-service.ts";
import { noBlocks } from "../no-blocks.ts";
import { deviceNews } from "./device-news.ts";

test("a change is told once, and what is found at first is no change", async () => {
  const told: string[] = [];
  let state: DeviceStatus["state"] = "down";
  const status = { device: "d" as DeviceId, path: "/disk", totalBytes: 1, freeBytes: 1 };
  const blocks = { ...noBlocks, devices: async () => [{ ...status, state }] };
  const worker = deviceNews({ blocks, report: (message) => told.push(message) });
  await worker.step();
  expect(told).toEqual([]);
  state = "ok";
  await worker.step();
  await worker.step();
  state = "down";
  await worker.step();
  expect(told).toEqual([
    expect.stringContaining("device d (/disk) is up"),
    expect.stringContaining("device d (/disk) is down"),
  ]);
});

test("a slow disk is told with what the others take, and one that comes and goes once", async () => {
  const told: string[] = [];
  const status = (device: string, appendMs: number): DeviceStatus => ({
    ...{ device: device as DeviceId, path: `/${device}`, totalBytes: 1, freeBytes: 1 },
    ...{ state: "ok", pace: { appendMs } },
  });
  let now = [status("a", 4), status("b", 6), status("c", 5)];
  const blocks = { ...noBlocks, devices: async () => now };
  const worker = deviceNews({ blocks, report: (message) => told.push(message) });
  await worker.step();
  now = [status("a", 4), status("b", 6), status("c", 700)];
  await worker.step();
  expect(told.splice(0)).toEqual([
    expect.stringContaining("device c (/c) is slow: appends take 700 ms, those of the others 6"),
  ]);
  now = [{ ...status("a", 4), state: "down", unsteadyMs: 9 }, status("b", 6), status("c", 5)];
  await worker.step();
  now = [{ ...status("a", 4), unsteadyMs: 9 }, status("b", 6), status("c", 5)];
  await worker.step();
  now = [status("a", 4), status("b", 6), status("c", 5)];
  await worker.step();
  expect(told).toEqual([
    expect.stringContaining("device a (/a) goes down and comes back again and again"),
    expect.stringContaining("device c (/c) is up"),
    expect.stringContaining("device a (/a) is up"),
  ]);
});
