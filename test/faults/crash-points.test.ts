/**
 * The power is cut under a whole store: metadata, blocks and client on one disk, in a dense sample
 * of all changes of a scripted life, with several fates of what was not synced. After the restart
 * every acknowledged object reads back right, nothing else is listed, and once the workers are done
 * the blocks hold exactly what the metadata names.
 */
import { describe, expect, test, vi } from "vitest";
import { SimulatedDisk } from "../../base/disk-simulated.ts";
import { seededRandom } from "../../base/random.ts";
import { MemoryState } from "../../nameserver/state-memory.ts";
import { audit } from "../metadata/audit.ts";
import { allOf, HOLD_MS, Life, type Machine } from "./crash-life.ts";
import { KillModel } from "./kill-model.ts";

// Small chunks and pages, so that little content takes every path.
vi.mock(import("../../base/limits.ts"), async (original) => {
  const { limits } = await original();
  const small = { chunkBytes: 4096, smallBytes: 2048, chunksPerPage: 4, inlineChunks: 2 };
  const other = { inlineSlices: 2, slicesPerPage: 2, partBytesMin: 1000, checkpointBytes: 3_000 };
  return { limits: { ...limits, ...small, ...other, logSegmentBytes: 4_000 } as typeof limits };
});

const FATES = 3;
/** Every so many operations the power is cut; each fate begins at another. */
const STEP = 4;

const newMachine = (): Machine => ({
  disk: new SimulatedDisk(),
  state: new MemoryState(),
  epochMs: 1_700_000_000_000,
});

async function firstLife(machine: Machine, model: KillModel): Promise<void> {
  await using life = await Life.open(machine, model);
  await life.store.names.execute({ type: "createBucket", bucket: "b", owner: "me" });
  await life.put("small", 700);
  await life.put("large", 13_000);
  await allOf([1, 2, 3, 4].map((n) => life.put(`p${n}`, n * 1_300)));
  await life.put("small", 900);
  await life.multipart("parts", [9_000, 5_000, 4_500]);
  await life.remove("p2");
  const p3 = await life.read("p3");
  await life.remove("p3");
  await life.undelete("p3", p3 ?? "");
  await life.abort("aborted");
  await life.put("paged", 50_000);
  await life.rest(30_000);
  await life.put("empty", 0);
  await allOf([life.put("large", 6_000), life.remove("p1"), life.put("late", 2_500)]);
  await life.check();
}

async function secondLife(machine: Machine, model: KillModel, reports: string[]): Promise<void> {
  await using life = await Life.open(machine, model);
  await life.put("second", 8_000);
  await life.rest(HOLD_MS + 40_000);
  await life.remove("paged");
  await life.put("late", 100);
  await life.rest(HOLD_MS + 40_000);
  await life.check();
  reports.push(...life.reports);
}

/** Gives what the second life reported. */
async function workload(machine: Machine, model: KillModel): Promise<string[]> {
  const reports: string[] = [];
  await firstLife(machine, model);
  machine.state = machine.state.crashed();
  await secondLife(machine, model, reports);
  return reports;
}

async function cutAt(n: number, fate: number): Promise<void> {
  const machine = newMachine();
  const { disk } = machine;
  const model = new KillModel();
  disk.crashAt(n);
  await workload(machine, model).catch(() => undefined);
  expect(disk.crashed).toBe(true);
  // Fate 0: only the process died.
  if (fate === 0) disk.kill();
  else disk.crash(seededRandom(n * 100 + fate));
  machine.state = machine.state.crashed();
  machine.epochMs += 3_600_000;
  const life = await Life.open(machine, model);
  await life.store.names
    .execute({ type: "createBucket", bucket: "b", owner: "me" })
    .catch(() => undefined); // it is there, unless the cut came before it
  await life.check();
  await life.put("again", 5_000);
  await goneIsGone(life);
  await life.check();
}

/** When all holds have ended and the workers are done, blocks and metadata agree. */
async function goneIsGone(life: Life): Promise<void> {
  await life.rest(HOLD_MS + 40_000);
  const { group } = life.nameserver;
  await audit(group.state, group.digest);
  expect(await life.disagreements()).toEqual([]);
}

describe("the power is cut under a whole store", async () => {
  const whole = newMachine();
  const reports = await workload(whole, new KillModel());
  const { operations } = whole.disk;

  test("the workload is worth it", async () => {
    expect(operations).toBeGreaterThan(400);
    expect(reports.some((report) => report.includes("went from"))).toBe(true);
    const blocks = (await whole.disk.list("/s/device")).filter((name) => name.endsWith(".block"));
    const last = Number.parseInt(blocks.at(-1) ?? "", 16);
    expect(blocks.length).toBeLessThan(last); // some were emptied and removed
  });

  test.each(Array.from({ length: FATES }, (_, i) => i))("fate %i", async (fate) => {
    for (let n = 1 + fate; n <= operations; n += STEP)
      await cutAt(n, fate).catch((error: unknown) => {
        throw new Error(`cut at operation ${n} of ${operations}, fate ${fate}`, { cause: error });
      });
  });
});
