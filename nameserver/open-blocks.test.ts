import { describe, expect, test } from "vitest";
import { QuarryError } from "../base/errors.ts";
import type { BlockId, DeviceId } from "../base/ids.ts";
import { filled } from "../rpc/name-service.ts";
import { NotLeader } from "../rpc/not-leader.ts";
import { commandEntry } from "../test/metadata/command-entry.ts";
import { FakeBlocks } from "../test/metadata/fake-blocks.ts";
import type { AnyCommand, AnyResult } from "./command.ts";
import type { Group } from "./group/group.ts";
import { OpenBlocks } from "./open-blocks.ts";
import { StateMachine } from "./state-machine.ts";
import { MemoryState } from "./state-memory.ts";

const [one, two, three] = ["one", "two", "three"] as DeviceId[] as [DeviceId, DeviceId, DeviceId];
const first = { block: 1 as BlockId, generation: 1 };

function groupOn(store: MemoryState) {
  const machine = new StateMachine(store);
  const propose = async (command: AnyCommand): Promise<AnyResult> => {
    const entry = commandEntry(machine.applied + 1, 1_000, command);
    const [outcome] = await machine.applyRun([entry]);
    if (outcome === undefined || "refusal" in outcome) throw outcome?.refusal;
    return outcome.result;
  };
  return { state: store, propose, readBarrier: async () => {}, term: 1, isLeader: true };
}

function openBlocks(group: object, blocks: FakeBlocks, copies = 1): OpenBlocks {
  const clock = { nowMs: () => 1_000, monotonicMs: () => 0, after: () => ({ cancel: () => {} }) };
  const report = () => undefined;
  return new OpenBlocks({ group: group as Group, blocks, clock, report, perDevice: 1, copies });
}

describe("open blocks", () => {
  test("an empty block that only a later leader knows stays when the one before takes stock", async () => {
    const blocks = new FakeBlocks(one);
    await blocks.createBlock({ device: one, ...first });
    const deposed = groupOn(new MemoryState());
    deposed.propose = () => Promise.reject(new NotLeader("another one leads", undefined));
    await openBlocks(deposed, blocks).sealLeftovers();
    expect(blocks.held.get(one)?.has(first.block)).toBe(true);
  });

  test("what a crash left goes, and cannot be added behind its back", async () => {
    const blocks = new FakeBlocks(one);
    await blocks.createBlock({ device: one, ...first });
    const group = groupOn(new MemoryState());
    await openBlocks(group, blocks).sealLeftovers();
    expect(blocks.held.get(one)?.size).toBe(0);
    const late = group.propose({ type: "addBlock", ...first, pool: 0, members: [one] });
    await expect(late).rejects.toMatchObject({ code: "StaleGeneration" });
  });

  test("a block that is in use cannot be abandoned", async () => {
    const group = groupOn(new MemoryState());
    await group.propose({ type: "addBlock", ...first, pool: 0, members: [one] });
    const abandoning = group.propose({ type: "abandonBlock", ...first });
    await expect(abandoning).rejects.toThrow(QuarryError);
  });

  test("an id that another leader took meanwhile is passed over", async () => {
    const blocks = new FakeBlocks(one);
    const group = groupOn(new MemoryState());
    const opened = openBlocks(group, blocks);
    await opened.sealLeftovers();
    await group.propose({ type: "addBlock", ...first, pool: 0, members: [one] });
    expect((await opened.get(0)).map(({ block }) => block)).toEqual([2]);
  });

  test("blocks stand on as many devices as are asked for, each device with its share", async () => {
    const blocks = new FakeBlocks(one, two, three);
    const found = await openBlocks(groupOn(new MemoryState()), blocks, 2).get(0);
    expect(found.map(({ members }) => members)).toEqual([
      [one, two],
      [three, one],
    ]);
    for (const { block, members } of found)
      for (const device of filled(members)) expect(blocks.block(device, block).sealed).toBe(false);
    const tooMany = openBlocks(groupOn(new MemoryState()), blocks, 4).get(0);
    await expect(tooMany).rejects.toMatchObject({ code: "Unavailable" });
  });
});
