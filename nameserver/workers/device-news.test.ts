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
