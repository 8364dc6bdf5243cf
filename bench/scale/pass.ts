/** What the planner's looks cost: all blocks, after a device went down, and after it is heard again. */

import { type Clock, systemClock } from "../../base/clock.ts";
import type { DeviceId } from "../../base/ids.ts";
import { Look } from "../../nameserver/planner/look.ts";
import type { Scene } from "./scene.ts";

export interface Pass {
  readonly blocks: number;
  /** CPU of the leader's thread, each. */
  /** All of them, as when CRUSH draws anew. */
  readonly allMicrosPerBlock: number;
  /** One device goes, or comes: of all blocks, though few are looked at. */
  readonly flapMicrosPerBlock: number;
  /** Nothing has changed: what a round costs for the devices alone. */
  readonly idleMs: number;
}

const IDLE_ROUNDS = 10;
const LOOKS = 4;
const FLAPS = 20;

/** The machine's own, but nothing else keeps this process alive meanwhile. */
const wakeful: Clock = {
  ...systemClock,
  after(delayMs, run) {
    const handle = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Everything was heard in the scene. */
export async function passes(scene: Scene): Promise<Pass> {
  const { cluster, blocks, puller } = scene;
  let down: DeviceId | undefined;
  const look = new Look({
    ...{ group: { state: cluster.store }, stock: puller.stock, map: () => cluster.map() },
    ...{ changed: cluster.changed, clock: wakeful },
    blocks: {
      devices: async () =>
        (await blocks.service.devices()).map((status) =>
          status.device === down ? { ...status, state: "down" as const } : status,
        ),
    },
  });
  const timed = async (rounds = 1): Promise<number> => {
    const cpu = process.threadCpuUsage();
    for (let n = 0; n < rounds; n++) await look.step();
    const { user, system } = process.threadCpuUsage(cpu);
    return (user + system) / rounds;
  };
  const count = cluster.setting.simulated;
  let all = Number.POSITIVE_INFINITY;
  for (let n = 0; n < LOOKS; n++) {
    look.clear();
    all = Math.min(all, await timed());
  }
  const idle = await timed(IDLE_ROUNDS);
  const [, ...others] = (await cluster.map()).devices.map(({ device }) => device);
  let flaps = 0;
  for (const device of others.slice(0, FLAPS)) {
    down = device;
    // One comes as another goes.
    flaps += (await timed()) / 2;
  }
  const flap = flaps / Math.min(FLAPS, others.length);
  return {
    ...{ blocks: count, allMicrosPerBlock: all / count },
    ...{ flapMicrosPerBlock: Math.max(0, flap - idle / 2) / count, idleMs: idle / 1_000 },
  };
}
