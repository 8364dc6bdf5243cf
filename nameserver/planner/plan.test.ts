/** Who has its turn, and who is put out and in: tables. */
import { describe, expect, test } from "vitest";
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { DeviceStatus } from "../../rpc/block-service.ts";
import { type ClusterMap, emptyMap } from "../../rpc/cluster-map.ts";
import { usualHealing } from "../../rpc/healing.ts";
import type { Need } from "./need.ts";
import { Needs } from "./needs.ts";
import { Outs } from "./outs.ts";
import { budgetOf } from "./pace.ts";
import { plan } from "./plan.ts";

const device = (name: string) => name as DeviceId;

function need(block: number, kind: Need["kind"], spare: number, to = "t", from = "f"): Need {
  const on = { targets: [device(to)], readers: [device(from)], bytes: 10 };
  return { kind, block: block as BlockId, generation: 1, spare, ...on } as unknown as Need;
}

function needsOf(...all: Need[]): Needs {
  const needs = new Needs();
  for (const one of all) needs.set(one.block, one, undefined);
  return needs;
}

const wide = { atOnce: 99, asTarget: 99, asSource: 99 };
const all = { atMost: 99, mayRun: () => true };
const blocksOf = (needs: readonly Need[]) => needs.map(({ block }) => block);

describe("a plan", () => {
  test("takes the most endangered first", () => {
    const needs = needsOf(
      need(1, "move", 0),
      need(2, "rebuild", 2),
      need(3, "rebuild", 0),
      need(4, "retire", 2),
      need(5, "rebuild", -1),
      need(6, "switch", 1),
      need(7, "convert", 2),
    );
    const planned = plan(needs.inOrder(), wide, new Map(), all);
    expect(blocksOf(planned)).toEqual([3, 5, 6, 2, 4, 1, 7]);
  });

  test("burdens no device, nor the whole, with more than there may be", () => {
    const needs = needsOf(
      need(1, "rebuild", 0, "a", "x"),
      need(2, "rebuild", 0, "a", "y"),
      need(3, "rebuild", 0, "b", "x"),
      need(4, "rebuild", 0, "c", "z"),
      need(5, "rebuild", 0, "d", "w"),
    );
    const budget = { atOnce: 3, asTarget: 1, asSource: 1 };
    expect(blocksOf(plan(needs.inOrder(), budget, new Map(), all))).toEqual([1, 4, 5]);
    const running = new Map([[9 as BlockId, need(9, "move", 1, "c", "v")]]);
    expect(blocksOf(plan(needs.inOrder(), budget, running, all))).toEqual([1, 5]);
  });

  test("leaves alone what is worked on, what rests, and what it has no time to look at", () => {
    const needs = needsOf(need(1, "move", 0), need(2, "move", 0), need(3, "move", 0));
    const running = new Map([[1 as BlockId, need(1, "move", 0)]]);
    const look = { atMost: 99, mayRun: ({ block }: Need) => block !== 2 };
    expect(blocksOf(plan(needs.inOrder(), wide, running, look))).toEqual([3]);
    expect(blocksOf(plan(needs.inOrder(), wide, new Map(), { ...all, atMost: 2 }))).toEqual([1, 2]);
  });
});

test("needs are counted as they come, change and go", () => {
  const needs = needsOf(need(1, "move", 0), need(2, "move", 0));
  needs.set(1 as BlockId, need(1, "rebuild", 0), { why: "no room" });
  expect([needs.size, needs.bytes, needs.count("move"), needs.count("rebuild")]).toEqual([
    2, 20, 1, 1,
  ]);
  expect([...needs.stuck.keys()]).toEqual([1]);
  needs.set(1 as BlockId, undefined, undefined);
  needs.set(2 as BlockId, undefined, undefined);
  expect([needs.size, needs.bytes, needs.count("move"), needs.stuck.size]).toEqual([0, 0, 0, 0]);
  expect([...needs.inOrder()]).toEqual([]);
});

describe("who is down for long", () => {
  /** Letters of devices: `-` down, `#` failed, `!` out, `p` out by the planner. */
  function look(
    outs: Outs,
    text: string,
    nowMs: number,
    outAfterMs = 100,
    heardMs?: number,
    awakeMs = 0,
  ) {
    const devices = text.split(" ");
    const map = {
      ...emptyMap,
      devices: devices.map((one, number) => ({
        ...{ device: device(one[0] ?? ""), number, in: !/[!p]/.test(one) },
        ...(one.includes("p") && { outBy: "planner" as const }),
      })),
    } as unknown as ClusterMap;
    const states = devices.map((one) => ({
      device: device(one[0] ?? ""),
      state: one.includes("-") ? "down" : one.includes("#") ? "failed" : "ok",
    })) as DeviceStatus[];
    const changes = outs.changes(map, states, {
      nowMs,
      outAfterMs,
      awakeMs,
      heardMs: () => heardMs,
    });
    return changes.map((one) => `${one.device} ${one.in ? "in" : "out"}`).join();
  }

  test("is out when the time is over, and in again when it is back", () => {
    const outs = new Outs();
    expect(look(outs, "a- b c", 0)).toBe("");
    expect(look(outs, "a- b c", 99)).toBe("");
    expect(look(outs, "a- b c", 100)).toBe("a out");
    expect(look(outs, "a-p b c", 200)).toBe("");
    expect(look(outs, "ap b c", 300)).toBe("a in");
  });

  test("is counted anew after it was back, and from when it was heard of", () => {
    const outs = new Outs();
    look(outs, "a- b c", 0);
    look(outs, "a b c", 90);
    expect(look(outs, "a- b c", 150)).toBe("");
    expect(look(outs, "a- b c", 250)).toBe("a out");
    expect(look(new Outs(), "a- b c", 150, 100, 40)).toBe("a out");
    expect(look(new Outs(), "a- b c", 150, 100, 60)).toBe("");
  });

  test("time in which this process stood still does not count", () => {
    const outs = new Outs();
    look(outs, "a- b c", 0);
    // Since it was heard of nobody could have been.
    expect(look(outs, "a- b- c", 500, 100, 10, 500)).toBe("");
    expect(look(outs, "a- b c", 599, 100, 590, 500)).toBe("");
    expect(look(outs, "a- b c", 600, 100, 590, 500)).toBe("a out");
  });

  test.each([
    ["a disk that failed", "a# b c", 100, "a out"],
    ["never, when it is set so", "a- b c", 0, ""],
    ["whom a person put out is not put in", "a! b c", 100, ""],
    ["never more than half of all", "a- b- c- d", 100, "a out,b out"],
    ["nor the only one", "a-", 100, ""],
    ["whom a person put out does not count", "a- b c d! e! f!", 100, "a out"],
    ["but whom the planner put out does", "a- b c d-p e-p f-p", 100, ""],
  ])("%s", (_, text, outAfterMs, what) => {
    const outs = new Outs();
    look(outs, text, 0, outAfterMs);
    expect(look(outs, text, 1_000, outAfterMs)).toBe(what);
  });
});

describe("how much is done at the same time", () => {
  test("grows with the devices, so that each of them is burdened alike", () => {
    expect(budgetOf(usualHealing, 12).atOnce).toBe(limits.healingAtOnce);
    expect(budgetOf(usualHealing, 1_000).atOnce).toBe(250);
    expect(budgetOf(usualHealing, 100_000).atOnce).toBe(limits.healingAtOnceMost);
  });

  test("is no more than a pace leaves something for each", () => {
    const bytesPerSecond = 10 * limits.healingLeastPace;
    expect(budgetOf({ ...usualHealing, bytesPerSecond }, 1_000).atOnce).toBe(10);
  });
});
