/** Compaction over real blocks: that it comes to an end. */
import { expect, test } from "vitest";
import { SimulatedDisk } from "../../base/disk-simulated.ts";
import { MemoryState } from "../../nameserver/state-memory.ts";
import { HOLD_MS, Life } from "../faults/crash-life.ts";
import { KillModel } from "../faults/kill-model.ts";

test("a block with one small needle left is rewritten once, not for ever", async () => {
  const machine = { disk: new SimulatedDisk(), state: new MemoryState(), epochMs: 1e12 };
  await using life = await Life.open(machine, new KillModel());
  await life.store.names.execute({ type: "createBucket", bucket: "b", owner: "me" });
  await life.put("kept", 100);
  await life.put("gone", 20_000);
  await life.put("next", 20_000);
  await life.remove("gone");
  await life.rest(HOLD_MS + 300_000);
  const rewritten = life.reports.filter((report) => /^block \d+ went from/.test(report));
  expect(rewritten).toHaveLength(1);
  await life.check();
});
