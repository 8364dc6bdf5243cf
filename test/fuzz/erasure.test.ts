import { expect, test } from "vitest";
import { systemRandom } from "../../base/random.ts";
import { fuzzFor } from "./erasure.ts";

/** QUARRY_FUZZ_SEED replays, QUARRY_FUZZ_MS sets the time (a minute). */
test("random schemes, lengths, losses and corruption", { timeout: 3_700_000 }, async () => {
  const { QUARRY_FUZZ_SEED, QUARRY_FUZZ_MS } = process.env;
  const seed = Number(QUARRY_FUZZ_SEED ?? systemRandom.u32() % 1e9);
  console.log(`erasure fuzz from seed ${seed}`);
  expect(await fuzzFor(Number(QUARRY_FUZZ_MS ?? 60_000), seed)).toBeGreaterThan(0);
});
