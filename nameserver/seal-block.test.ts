import { expect, test } from "vitest";
import { type ErrorCode, QuarryError } from "../base/errors.ts";
import type { BlockId, DeviceId } from "../base/ids.ts";
import type { PoolScheme } from "../rpc/pool.ts";
import { noBlocks } from "./no-blocks.ts";
import { seal } from "./planner/kinds/seal.ts";
import type { RunContext } from "./planner/run-context.ts";
import { refuseAppends } from "./seal-block.ts";

const block = 1 as BlockId;

/** What each member answers; undefined: it seals. */
async function isRefused(scheme: PoolScheme, ...answers: (ErrorCode | undefined)[]) {
  const members = answers.map((_, i) => `${i}` as DeviceId);
  const orders = {
    ...noBlocks,
    sealBlock: async ({ device }: { device: DeviceId }) => {
      const code = answers[Number(device)];
      if (code !== undefined) throw new QuarryError(code, "no");
      return {} as never;
    },
  };
  const row = { state: "open", generation: 1, pool: 0, scheme, members, openedMs: 0 } as const;
  return await refuseAppends({ orders, report: () => undefined }, block, row);
}

test.each([
  [{ k: 1, m: 2 }, ["Unavailable", "Unavailable", undefined], true],
  [{ k: 1, m: 2 }, ["Unavailable", "Unavailable", "DiskFailed"], false],
  [{ k: 2, m: 1 }, ["Unavailable", "NoSuchBlock", undefined], true],
  [{ k: 2, m: 1 }, ["Unavailable", "Timeout", undefined], false],
  // Who lost the superblock takes nothing for it.
  [{ k: 1, m: 0 }, ["Damaged"], true],
] as const)("%j with %j is sealed: %s", async (scheme, answers, expected) => {
  expect(await isRefused(scheme, ...answers)).toBe(expected);
});

test("the planner's work fails when the block is open still, so that it rests before the next try", async () => {
  const need = { kind: "seal", block, generation: 1, spare: 0, bytes: 0 } as const;
  let state = "open";
  const context = {
    seal: async () => undefined,
    rowOf: () => ({ state, generation: 1 }),
  } as unknown as RunContext;
  const sealing = () => seal(context, { ...need, targets: [], readers: [] });
  await expect(sealing()).rejects.toMatchObject({ code: "Unavailable" });
  state = "sealed";
  await sealing();
});
