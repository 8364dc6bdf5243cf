/** Uploads that take longer than blocks take to settle. */
import { expect, test, vi } from "vitest";
import { SimulatedDisk } from "../../base/disk-simulated.ts";
import { MemoryState } from "../../nameserver/state-memory.ts";
import { Life, SETTLE_MS } from "../faults/crash-life.ts";
import { KillModel, sha256 } from "../faults/kill-model.ts";

vi.mock(import("../../base/limits.ts"), async (original) => {
  const { limits } = await original();
  return { limits: { ...limits, chunkBytes: 4096 } as unknown as typeof limits };
});

test("a sender that pauses between chunks keeps those that are stored", async () => {
  const machine = { disk: new SimulatedDisk(), state: new MemoryState(), epochMs: 1e12 };
  await using life = await Life.open(machine, new KillModel());
  await life.store.names.execute({ type: "createBucket", bucket: "b", owner: "me" });
  const content = Buffer.alloc(10_000, "slow");
  async function* bytes() {
    yield content.subarray(0, 6_000);
    await life.rest(2_000);
    // Others fill the block of the first chunk; it is sealed, settles and is swept.
    for (let i = 0; i < 4; i++) await life.put(`other${i}`, 20_000);
    await life.rest(10 * SETTLE_MS);
    yield content.subarray(6_000);
  }
  const body = { bytes: bytes(), lengthBytes: content.length };
  await life.store.put({ bucket: "b", key: "slow" }, body, () => ({ etag: "e" }));
  expect(await life.read("slow")).toBe(sha256(content));
});
