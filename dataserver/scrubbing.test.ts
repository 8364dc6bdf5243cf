import { expect, test } from "vitest";
import { SimulatedClock } from "../base/clock-simulated.ts";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import type { BlockId, DeviceId } from "../base/ids.ts";
import { seededRandom } from "../base/random.ts";
import { openDataserver } from "./dataserver.ts";
import { startScrubbing } from "./scrubbing.ts";

test("rounds follow each other after a rest, and name damage that nobody has read", async () => {
  const disk = new SimulatedDisk();
  const clock = new SimulatedClock();
  const reports: string[] = [];
  const random = seededRandom(1);
  await using server = await openDataserver({
    disk,
    clock,
    random,
    directories: ["/d"],
    reserveBytes: 0,
    report: ({ kind }) => reports.push(kind),
  });
  const device = (await server.devices())[0]?.device as DeviceId;
  await server.createBlock({ device, block: 1 as BlockId, generation: 1 });
  disk.flip("/d/00000001.block", 3);
  await using scrubbing = startScrubbing(server, {
    clock,
    bytesPerSecond: 1e9,
    restMs: 1000,
    report: (line) => reports.push(line),
  });
  const tick = async (ms: number) => {
    clock.advance(ms);
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  await tick(999);
  expect(scrubbing.rounds).toBe(0);
  await tick(1);
  expect(scrubbing.rounds).toBe(1);
  expect(reports).toContain("damage");
  expect(reports.some((line) => line.includes("damaged places on /d"))).toBe(true);
  await tick(1000);
  expect(scrubbing.rounds).toBe(2);
});
