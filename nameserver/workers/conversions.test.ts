/** Blocks that a dataserver finds not worth a conversion rest until they hold something else. */
import { expect, test } from "vitest";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import { QuarryError } from "../../base/errors.ts";
import type { BlockId, DeviceId, Term } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { BlockService, BlockStatus, DeviceStatus } from "../../rpc/block-service.ts";
import { ClusterState, deviceId } from "../../test/metadata/cluster-state.ts";
import type { AnyCommand } from "../command.ts";
import type { Group } from "../group/group.ts";
import { noBlocks } from "../no-blocks.ts";
import { Stock } from "../stock/stock.ts";
import { Conversions } from "./conversions.ts";

const block = 5 as BlockId;
const generation = 1;
const LOOK_MS = 1_000;
const all = Array.from({ length: 6 }, (_, i) => deviceId(i)) as DeviceId[];
const copies = all.slice(0, 2);

/** Everybody refuses conversions with this; undefined: they are done, and meanwhile another one leads. */
async function scene(refusal: QuarryError | undefined, pending?: AnyCommand) {
  const state = new ClusterState();
  for (const host of all.keys()) await state.register(host, { host: `h${host}` }, [[host, 1_000]]);
  const scheme = { k: 1, m: 1 };
  const cold = { scheme: { k: 4, m: 2 }, afterMs: 0 };
  const change = { scheme, cold, failureDomain: "host" } as const;
  await state.propose({ type: "changePool", pool: 0, change });
  const at = { block, generation };
  await state.propose({ type: "addBlock", ...at, pool: 0, scheme, members: copies });
  await state.propose({ type: "sealBlock", ...at });
  await state.propose({ type: "settleBlock", ...at, afterMs: 0 });
  await state.propose({ type: "sweptBlock", ...at });
  const told = { needles: 1, liveBytes: 8, fileBytes: 100, digest: 1n };
  const status = (): BlockStatus => ({ ...at, sealed: true, ...told, damage: [] });
  let asked = 0;
  const blocks: BlockService = {
    ...noBlocks,
    devices: async () =>
      all.map(
        (device): DeviceStatus => ({
          ...{ device, path: "/", totalBytes: 1e9, freeBytes: 1e9, state: "ok" },
        }),
      ),
    blocks: async () => [status()],
    convert: async () => {
      asked++;
      if (refusal !== undefined) throw refusal;
      group.term = 2 as Term;
      return { encoding: 9, needles: 1, readBytes: 1, writtenBytes: 1 };
    },
    dropStage: async () => undefined,
  };
  const stock = new Stock();
  stock.begin(1 as Term);
  let number = 0;
  const hear = () => {
    const upTo = { era: 1, number: ++number };
    for (const device of copies) {
      stock.told(device, { blocks: [status()], gone: [], upTo, more: false });
      stock.heard(device, upTo);
    }
  };
  hear();
  const clock = new SimulatedClock();
  const said: string[] = [];
  const given: [string, Term][] = [];
  const group = {
    ...{ state: state.store, term: 1 as Term, isLeader: true, timeMs: 0 },
    readBarrier: async () => {
      if (pending !== undefined) await state.propose(pending);
    },
    propose: async ({ type }: AnyCommand, _once: unknown, within: Term) => {
      given.push([type, within]);
      throw new QuarryError("NotLeader", "another one leads");
    },
  };
  const context = { group: group as unknown as Group, blocks, clock };
  const worker = new Conversions(
    { ...context, report: (text) => said.push(text) },
    {
      ...{ map: { get: () => state.map(), addressOf: async () => "" }, stock },
      ...{ lookMs: LOOK_MS, garbageShare: 0.3, onCount: () => undefined },
    },
  );
  return {
    ...{ said, told, hear, given },
    /** How often it was tried in some looks. */
    async looks(count: number): Promise<number> {
      const before = asked;
      for (let n = 0; n < count; n++) {
        clock.advance(limits.blockRestMs);
        await worker.step();
        await new Promise(setImmediate);
      }
      return asked - before;
    },
  };
}

test("a block that would be mostly padding is left, told once, and tried again when it is another", async () => {
  const it = await scene(new QuarryError("Needless", "4+2 ranges are not worth it"));
  expect(await it.looks(5)).toBe(1);
  expect(it.said).toEqual([`block ${block} keeps its layout: 4+2 ranges are not worth it`]);
  it.told.digest = 2n;
  it.hear();
  expect(await it.looks(5)).toBe(1);
  expect(it.said).toHaveLength(1);
});

test("one that failed for another reason is tried again", async () => {
  const it = await scene(new QuarryError("Unavailable", "not now"));
  expect(await it.looks(3)).toBe(3);
});

test("what a leader before commanded is not written again before that is in the state", async () => {
  const pending: AnyCommand = {
    ...({ type: "convertBlock", block, from: 1, to: 2, members: all } as const),
    ...({ scheme: { k: 4, m: 2 }, layout: "striped", encoding: 7 } as const),
  };
  const it = await scene(new QuarryError("Unavailable", "a device is away"), pending);
  expect(await it.looks(1)).toBe(0);
});

test("what was written in one term is not commanded in another, where it may be written anew", async () => {
  const it = await scene(undefined);
  expect(await it.looks(1)).toBe(1);
  expect(it.given).toEqual([["convertBlock", 1]]);
});
