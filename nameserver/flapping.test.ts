/** A dataserver that goes down and comes back every few seconds, while clients write. */
import { expect, test } from "vitest";
import { SimulatedClock } from "../base/clock-simulated.ts";
import type { DeviceId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { filled, type OpenBlock } from "../rpc/name-service.ts";
import { ClusterState, deviceId, serverId } from "../test/metadata/cluster-state.ts";
import { FakeBlocks } from "../test/metadata/fake-blocks.ts";
import type { Group } from "./group/group.ts";
import { Liveness } from "./liveness.ts";
import { OpenBlocks } from "./open-blocks.ts";
import { CurrentMap } from "./queries/cluster-map.ts";
import { deviceNews } from "./workers/device-news.ts";

const HOSTS = 4;
const FLAPPING = 0;
const SECOND_MS = 1_000;

async function scene() {
  const state = new ClusterState();
  const hosts = Array.from({ length: HOSTS }, (_, host) => host);
  for (const host of hosts) await state.register(host, { host: `host${host}` }, [[host, 100]]);
  const pool = await state.pool("some", { scheme: { k: 1, m: 2 }, failureDomain: "host" });
  const clock = new SimulatedClock();
  const map = new CurrentMap(state.store);
  const liveness = new Liveness(map, clock, { applied: 0 as never, nameservers: () => [] });
  const blocks = new FakeBlocks(...hosts.map(deviceId));
  blocks.devices = () => liveness.devices() as never;
  const { store, propose } = state;
  const group = { state: store, propose, readBarrier: async () => {}, term: 1, isLeader: true };
  const said: string[] = [];
  const report = (line: string) => said.push(line);
  const options = { group: group as unknown as Group, blocks, clock, report, perDevice: 2 };
  const opened = new OpenBlocks({ ...options, map: () => map.get() });
  const beat = (host: number) =>
    liveness.heartbeat({
      ...{ server: serverId(host), address: `host${host}:7000` },
      devices: [
        { device: deviceId(host), path: "", totalBytes: 9, freeBytes: 9, state: "ok" as const },
      ],
    });
  const leave = (host: number) =>
    liveness.heartbeat({
      ...{ server: serverId(host), address: `host${host}:7000`, devices: [], leaving: true },
    });
  return { state, pool, clock, liveness, blocks, opened, said, beat, leave, hosts };
}

type Scene = Awaited<ReturnType<typeof scene>>;

/**
 * One client: what it is given first is full after that, and it reports blocks of which a member is
 * away. Resolves with how many those were.
 */
async function write({ opened, pool }: Scene, isAway: (one: DeviceId) => boolean) {
  let sealed = 0;
  for (const { block, generation, members } of await opened.get(pool)) {
    await opened.seal(block, generation);
    if (!filled(members).some(isAway)) break;
    sealed++;
  }
  return sealed;
}

async function flap(of: Scene, minutes: number) {
  const { clock, beat, leave, hosts, blocks, said } = of;
  const news = deviceNews({ blocks, report: (line) => said.push(line) });
  let sealed = 0;
  for (let second = 0; second < minutes * 60; second++) {
    // Three seconds up, three down; its leaving is heard late, so that clients meet it away.
    const phase = second % 6;
    for (const host of hosts) if (host !== FLAPPING || phase < 3) await beat(host);
    if (phase === 4) await leave(FLAPPING);
    await news.step();
    sealed += await write(of, (one) => one === deviceId(FLAPPING) && phase >= 3);
    clock.advance(SECOND_MS);
  }
  return sealed;
}

const flapping = (blocks: readonly OpenBlock[]) =>
  blocks.filter(({ members }) => members.includes(deviceId(FLAPPING)));

test("costs a few seals and lines of the log, no epoch, and no block after that", async () => {
  const one = await scene();
  const { epoch } = await one.state.map();
  const sealed = await flap(one, 30);
  expect((await one.state.map()).epoch - epoch).toBeLessThanOrEqual(1); // the pool's first range
  // Undamped there are hundreds.
  expect(sealed).toBeLessThanOrEqual(12);
  expect(one.said.filter((line) => line.includes(deviceId(FLAPPING))).length).toBeLessThan(12);
  expect(one.said.some((line) => line.includes("again and again"))).toBe(true);
  expect(flapping(await one.opened.get(one.pool))).toEqual([]);
});

test("is trusted again when it has been up long enough", async () => {
  const one = await scene();
  await flap(one, 5);
  const up = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += SECOND_MS) {
      one.clock.advance(SECOND_MS);
      for (const host of one.hosts) await one.beat(host);
      await one.opened.get(one.pool);
    }
  };
  const stateOf = async () =>
    (await one.liveness.devices()).find(({ device }) => device === deviceId(FLAPPING));
  await up(limits.flapHoldLongestMs - 10 * SECOND_MS);
  expect(await stateOf()).toMatchObject({ state: "ok", unsteadyMs: expect.any(Number) });
  await up(20 * SECOND_MS);
  expect(await stateOf()).not.toHaveProperty("unsteadyMs");
  for (let n = 0; n < 30; n++) {
    const [block] = await one.opened.get(one.pool);
    if (block !== undefined) await one.opened.seal(block.block, block.generation);
    await up(2 * SECOND_MS);
  }
  expect(flapping(await one.opened.get(one.pool))).not.toEqual([]);
});

test("one restart is no flapping, and where the others do not suffice it is used all the same", async () => {
  const one = await scene();
  for (const host of one.hosts) await one.beat(host);
  await one.leave(FLAPPING);
  await one.beat(FLAPPING);
  const states = await one.liveness.devices();
  expect(states.map(({ unsteadyMs }) => unsteadyMs)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  for (let n = 0; n < 4; n++) {
    await one.leave(FLAPPING);
    await one.beat(FLAPPING);
  }
  expect((await one.liveness.devices())[FLAPPING]?.unsteadyMs).toBeGreaterThan(0);
  for (const host of [1, 2]) await one.leave(host);
  expect(flapping(await one.opened.get(one.pool))).not.toEqual([]);
});
