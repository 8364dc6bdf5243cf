import { expect, test } from "vitest";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import { SimulatedDisk } from "../../base/disk-simulated.ts";
import { QuarryError } from "../../base/errors.ts";
import type { BlockId, DeviceId, Term } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import { openDataserver } from "../../dataserver/dataserver.ts";
import { Puller } from "./puller.ts";

async function scene() {
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk();
  const open = (seed: number) =>
    openDataserver({
      ...{ disk, clock, random: seededRandom(seed), directories: ["/disk"], reserveBytes: 0 },
    });
  let server = await open(1);
  const [device] = (await server.devices()).map((one) => one.device) as [DeviceId];
  const group = { term: 1 as Term };
  let heardMs: number | undefined;
  let asked = 0;
  let isBroken = false;
  const puller = new Puller({
    ...{ group, clock, report: () => {}, heardMs: () => heardMs },
    blocks: {
      devices: () => server.devices(),
      report: (...from) => {
        asked++;
        if (isBroken) throw new QuarryError("Timeout", "no answer");
        return server.report(...from);
      },
    },
  });
  const look = async () => {
    await puller.look();
    await puller.idle();
    await puller.look();
  };
  return {
    ...{ clock, device, group, puller, look },
    asked: () => asked,
    breaks: (broken: boolean) => {
      isBroken = broken;
    },
    lastHeard: (ms: number) => {
      heardMs = ms;
    },
    make: (block: number) => server.createBlock({ device, block: block as BlockId, generation: 1 }),
    async restart() {
      await server[Symbol.asyncDispose]();
      server = await open(2);
    },
    blocks: () => puller.stock.of(device) && [...(puller.stock.of(device)?.keys() ?? [])],
    async [Symbol.asyncDispose]() {
      await puller[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

test("only what changed is asked for, and a start anew is heard from the beginning", async () => {
  await using it = await scene();
  await it.make(1);
  await it.look();
  expect(it.blocks()).toEqual([1]);
  const before = it.asked();
  await it.look();
  expect(it.asked()).toBe(before);
  await it.make(2);
  await it.look();
  expect(it.blocks()).toEqual([1, 2]);
  await it.restart();
  await it.puller.look();
  expect(it.blocks()).toBeUndefined();
  await it.puller.idle();
  await it.puller.look();
  expect(it.blocks()).toEqual([1, 2]);
});

test("what was last heard before this term counts when a heartbeat of this term comes", async () => {
  await using it = await scene();
  await it.make(1);
  it.lastHeard(it.clock.monotonicMs());
  await it.look();
  expect(it.blocks()).toEqual([1]);
  it.clock.advance(10);
  it.group.term = 2 as Term;
  await it.look();
  expect(it.blocks()).toBeUndefined();
  it.clock.advance(10);
  it.lastHeard(it.clock.monotonicMs());
  await it.look();
  expect(it.blocks()).toEqual([1]);
});

test("of a device that has news and cannot be asked nothing is known any more", async () => {
  await using it = await scene();
  await it.make(1);
  await it.look();
  expect(it.blocks()).toEqual([1]);
  it.breaks(true);
  await it.make(2);
  await it.look();
  expect(it.blocks()).toBeUndefined();
  it.breaks(false);
  await it.look();
  expect(it.blocks()).toEqual([1, 2]);
});
