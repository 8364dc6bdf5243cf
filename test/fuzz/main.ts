/** `npm run fuzz -- NAME [--seconds N] [--seed S] [--only TARGET]`: prints, as its last line, JSON with its counts. */
import { parseArgs } from "node:util";
import { systemRandom } from "../../base/random.ts";
import { fuzzFor } from "./erasure.ts";
import { fuzzGateway } from "./gateway.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "86400" },
    seed: { type: "string" },
    /** One target of the gateway. */
    only: { type: "string" },
  },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed ?? systemRandom.u32() % 1e9);
const say = (line: string) => console.log(line);
const fuzzes: Record<string, () => Promise<object>> = {
  gateway: () => fuzzGateway({ seconds, seed, only: values.only, watchMemory: true, say }),
  erasure: async () => ({ seed, seconds, rounds: await fuzzFor(seconds * 1000, seed) }),
};
const fuzz = fuzzes[positionals[0] ?? ""];
if (fuzz === undefined) {
  console.error(`usage: npm run fuzz -- ${Object.keys(fuzzes).join("|")} [--seconds N] [--seed S]`);
  process.exitCode = 2;
} else {
  console.log(`from seed ${seed} for ${seconds} s`);
  try {
    console.log(JSON.stringify(await fuzz()));
  } catch (error) {
    console.error(error);
    console.log(JSON.stringify({ seed, failed: String(error) }));
    process.exitCode = 1;
  }
}
