/**
 * What a look of the planner costs: all blocks, after a device went down, and those that changed.
 *
 *   node bench/planner.ts [blocks] [devices]
 */
import { SimulatedClock } from "../base/clock-simulated.ts";
import type { BlockId, DeviceId, ServerId, Term } from "../base/ids.ts";
import type { AnyCommand } from "../nameserver/command.ts";
import { ChangedBlocks } from "../nameserver/planner/changed-blocks.ts";
import { Look } from "../nameserver/planner/look.ts";
import { readMap } from "../nameserver/queries/cluster-map.ts";
import { StateMachine } from "../nameserver/state-machine.ts";
import { MemoryState } from "../nameserver/state-memory.ts";
import { Stock } from "../nameserver/stock/stock.ts";
import type { BlockStatus } from "../rpc/block-service.ts";
import { placementOf } from "../rpc/placement.ts";
import { commandEntry } from "../test/metadata/command-entry.ts";

const [blocks = 50_000, hosts = 12] = process.argv.slice(2).map(Number);
const store = new MemoryState();
const machine = new StateMachine(store);
let index = 0;
const run = async (commands: AnyCommand[]) => {
  const outcomes = await machine.applyRun(commands.map((one) => commandEntry(++index, 1_000, one)));
  for (const one of outcomes) if ("refusal" in one) throw one.refusal;
};
const uuid = (kind: number, n: number) =>
  `${String(kind).padStart(8, "0")}-0000-4000-8000-${String(n).padStart(12, "0")}`;
for (let n = 0; n < hosts; n++)
  await run([
    {
      ...{ type: "registerDataserver", server: uuid(1, n) as ServerId, address: `h:${7000 + n}` },
      ...{ location: { host: `h${n}` }, version: "1" },
      devices: [{ device: uuid(2, n) as DeviceId, capacityBytes: 2 ** 40 }],
    },
  ]);
const scheme = { k: 1, m: 2 };
await run([{ type: "changePool", pool: 0, change: { scheme, failureDomain: "host" } }]);
const map = await readMap(store.snapshot());
const placement = placementOf(map);
const held = new Map<DeviceId, BlockStatus[]>();
for (let n = 1; n <= blocks; n += 500) {
  const commands: AnyCommand[] = [];
  for (let block = n as BlockId; block < n + 500 && block <= blocks; block++) {
    const members = placement.devicesOf(block as BlockId).map((one) => one ?? null);
    commands.push({
      type: "addBlock",
      block,
      generation: 1,
      pool: 0,
      scheme,
      members,
    } as AnyCommand);
    commands.push({ type: "sealBlock", block: block as BlockId, generation: 1 });
    for (const device of members)
      if (device !== null) {
        const list = held.get(device) ?? [];
        held.set(device, list);
        list.push({
          ...{ block: block as BlockId, generation: 1, sealed: true, needles: 100, liveBytes: 6e7 },
          ...{ fileBytes: 6e7, digest: 77n, damage: [], checkedMs: 5, salt: block },
          piece: { piece: 0, scheme },
        });
      }
  }
  await run(commands);
}
const heapMiB = () => {
  globalThis.gc?.();
  return Math.round(process.memoryUsage().heapUsed / 2 ** 20);
};
const before = heapMiB();
const stock = new Stock();
stock.begin(1 as Term);
for (const [device, list] of held) {
  for (let at = 0; at < list.length; at += 1000)
    stock.told(device, {
      blocks: list.slice(at, at + 1000),
      ...{ gone: [], upTo: { era: 1, number: at + 1000 }, more: at + 1000 < list.length },
    });
  stock.heard(device, stock.markOf(device));
}
console.log(`stock: ${heapMiB() - before} MiB for ${[...held.values()].flat().length} pieces`);
const down = new Set<DeviceId>();
const clock = new SimulatedClock();
const changed = new ChangedBlocks();
const look = new Look({
  ...{
    group: { state: store },
    stock,
    changed,
    clock: {
      ...clock,
      nowMs: () => 0,
      monotonicMs: () => performance.now(),
      after: (ms, go) => {
        const t = setTimeout(go, ms);
        return { cancel: () => clearTimeout(t) };
      },
    },
  },
  blocks: {
    devices: async () =>
      map.devices.map(({ device }) => ({
        ...{ device, path: "/", totalBytes: 1, freeBytes: 1 },
        state: down.has(device) ? ("down" as const) : ("ok" as const),
      })),
  },
  map: async () => current,
});
let current = map;
const timed = async (what: string) => {
  const cpu = process.cpuUsage();
  const at = performance.now();
  await look.step();
  const { user, system } = process.cpuUsage(cpu);
  console.log(
    `${what}: ${Math.round(performance.now() - at)} ms, CPU ${Math.round((user + system) / 1000)} ms, ${look.needs.size} needs, heap ${heapMiB()} MiB`,
  );
};
await timed("first look");
await timed("nothing changed");
const [lost] = map.devices;
if (lost !== undefined) {
  down.add(lost.device);
  await timed("one is down");
  current = {
    ...map,
    epoch: map.epoch + 1,
    devices: map.devices.map((one) => (one === lost ? { ...one, in: false } : one)),
  };
  await timed("one is out");
  for (const [device, list] of held)
    if (device !== lost.device)
      stock.told(device, {
        blocks: list.slice(0, 100),
        gone: [],
        upTo: { era: 1, number: 1e6 },
        more: false,
      });
  await timed("some blocks changed");
}
