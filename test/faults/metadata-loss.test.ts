import { expect, test } from "vitest";
import { metadataLoss } from "./metadata-loss.ts";

test("a store without its nameserver's folder comes back from its blocks (short form)", async () => {
  const counts = await metadataLoss({ rounds: 1, seed: 20_261_121, objects: 120 });
  expect(counts.complaints).toEqual([]);
  expect(counts).toMatchObject({ lost: 0, wrong: 0, violations: 0, acknowledged: 120 });
}, 180_000);
