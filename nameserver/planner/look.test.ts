/** Looking at a few blocks finds the same as looking at all of them. */
import { expect, test } from "vitest";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import type { BlockId, DeviceId, Term } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { seededNumbers } from "../../crush/seeded.ts";
import type { BlockStatus, DeviceStatus } from "../../rpc/block-service.ts";
import { placementOf } from "../../rpc/placement.ts";
import { ClusterState, deviceId, serverId } from "../../test/metadata/cluster-state.ts";
import type { AnyCommand } from "../command.ts";
import { keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import { Stock } from "../stock/stock.ts";
import { ChangedBlocks } from "./changed-blocks.ts";
import { Look } from "./look.ts";

const HOSTS = 6;
const BLOCKS = 60;
const STEPS = 60;
const scheme = { k: 1, m: 2 };

async function scene() {
  const state = new ClusterState();
  const register = (host: number, address = "") =>
    state.propose({
      ...{ type: "registerDataserver", server: serverId(host), version: "1" },
      ...{ address: `host${host}:7000${address}`, location: { host: `host${host}` } },
      devices: [host * 2, host * 2 + 1].map((number) => ({
        device: deviceId(number),
        capacityBytes: 2 ** 40,
      })),
    });
  for (let host = 0; host < HOSTS; host++) await register(host);
  await state.propose({ type: "changePool", pool: 0, change: { scheme, failureDomain: "host" } });
  const changed = new ChangedBlocks();
  const stock = new Stock();
  stock.begin(1 as Term);
  const states = new Map<DeviceId, DeviceStatus["state"]>();
  let number = 0;
  const tell = (device: DeviceId, blocks: BlockStatus[], gone: BlockId[], era = 1) => {
    const upTo = { era, number: ++number };
    stock.told(device, { blocks, gone, upTo, more: false });
    stock.heard(device, upTo);
  };
  const placement = placementOf(await state.map());
  for (let n = 1; n <= BLOCKS; n++) {
    const block = n as BlockId;
    const members = placement.devicesOf(block).map((one) => one ?? null);
    await state.propose({ type: "addBlock", block, generation: 1, pool: 0, scheme, members });
    await state.propose({ type: "sealBlock", block, generation: 1 });
    for (const device of members) if (device !== null) tell(device, [statusOf(block)], []);
  }
  const clock = new SimulatedClock();
  const look = (of: ChangedBlocks) =>
    new Look({
      ...{ group: { state: state.store }, stock, clock, changed: of, map: () => state.map() },
      blocks: {
        devices: async () =>
          (await state.map()).devices.map(({ device }) => ({
            ...{ device, path: "/", totalBytes: 1e9, freeBytes: 1e9 },
            state: states.get(device) ?? "ok",
          })),
      },
    });
  const propose = async (command: AnyCommand) => {
    await state.propose(command).catch(() => undefined);
    if ("block" in command)
      changed.saw([{ key: keys.block(command.block), keyBytes: Buffer.alloc(0) }]);
  };
  const members = (block: BlockId) => read(state.store, keys.block(block))?.members ?? [];
  return { changed, stock, states, tell, clock, look, propose, members, register };
}

const statusOf = (block: BlockId, damaged = false): BlockStatus => ({
  ...{ block, generation: 1, sealed: true, needles: 1, liveBytes: 8, fileBytes: 100, digest: 1n },
  damage: damaged ? [{ offset: 0, lengthBytes: 8 }] : [],
});

const found = ({ needs }: Look) => ({
  needs: needs
    .blocks()
    .flatMap((block) => needs.of(block) ?? [])
    .sort((a, b) => a.block - b.block),
  stuck: [...needs.stuck].sort(([a], [b]) => a - b),
});

test.each([1, 2, 3])(
  "what is found by and by is what a look at all finds, seed %i",
  async (seed) => {
    const it = await scene();
    const random = seededNumbers(seed);
    const below = (count: number) => random() % count;
    const look = it.look(it.changed);
    let needed = 0;
    for (let step = 0; step < STEPS; step++) {
      const device = deviceId(below(2 * HOSTS));
      const block = (1 + below(BLOCKS)) as BlockId;
      const events: (() => unknown)[] = [
        () => it.states.set(device, "down"),
        () => it.states.set(device, "full"),
        () => it.states.delete(device),
        () => it.states.delete(device),
        () => it.tell(device, [statusOf(block, below(3) === 0)], []),
        () => it.tell(device, [], [block]),
        () => it.stock.restarted(device),
        () => it.tell(device, [], []),
        () => it.propose({ type: "changeDevice", device, in: below(3) > 0 }),
        () =>
          it
            .register(below(HOSTS), `${below(3)}`)
            .then(() => it.propose({ type: "none" } as never)),
        () => {
          const from = it.members(block)[0];
          const place = { block, generation: 1, position: 0, from: from ?? null, to: device };
          return it.propose({ type: "moveMember", ...place });
        },
      ];
      await events[below(events.length)]?.();
      it.clock.advance(limits.healingRestMs);
      await look.step();
      it.clock.advance(limits.healingRestMs);
      await look.step();
      const all = it.look(new ChangedBlocks());
      await all.step();
      expect(found(look)).toEqual(found(all));
      needed += look.needs.size;
    }
    expect(needed).toBeGreaterThan(STEPS);
  },
);
