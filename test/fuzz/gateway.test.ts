import { expect, test } from "vitest";
import { systemRandom } from "../../base/random.ts";
import { fuzzGateway } from "./gateway.ts";

/** QUARRY_FUZZ_SEED replays, QUARRY_FUZZ_MS sets the time (a minute), split over the targets. */
test("random requests, bodies, signatures and XML", { timeout: 3_700_000 }, async () => {
  const { QUARRY_FUZZ_SEED, QUARRY_FUZZ_MS } = process.env;
  const seed = Number(QUARRY_FUZZ_SEED ?? systemRandom.u32() % 1e9);
  console.log(`gateway fuzz from seed ${seed}`);
  const { targets } = await fuzzGateway({ seconds: Number(QUARRY_FUZZ_MS ?? 60_000) / 1000, seed });
  for (const counts of Object.values(targets)) expect(counts?.rounds).toBeGreaterThan(0);
});
