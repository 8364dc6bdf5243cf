/** `npm run sim -- --seeds N --first S [--steps N] [--minutes M] [--lines N]`: prints, as its last line, JSON with its counts. */
import "./short-limits.ts";
import { parseArgs } from "node:util";
import { Totals } from "./totals.ts";
import { World } from "./world.ts";

const { values } = parseArgs({
  options: {
    /** Default: 20, or as many as there is time for. */
    seeds: { type: "string" },
    first: { type: "string", default: "1" },
    /** Events with faults, of each seed. */
    steps: { type: "string" },
    /** No seed is begun after so long. */
    minutes: { type: "string" },
    /** Lines of its history that are kept of each seed. */
    lines: { type: "string" },
  },
});
const first = Number(values.first);
const totals = new Totals();
const { minutes = "Infinity", seeds = values.minutes === undefined ? "20" : "Infinity" } = values;
const untilMs = performance.now() + Number(minutes) * 60_000;
const isOver = () => performance.now() > untilMs;
for (let seed = first; seed < first + Number(seeds) && !isOver(); seed++) {
  const steps = values.steps === undefined ? {} : { steps: Number(values.steps) };
  const world = new World({ seed, ...steps });
  if (values.lines !== undefined) world.oracle.keptLines = Number(values.lines);
  const report = await world.run();
  totals.add(report);
  if (report.violations.length === 0) continue;
  console.log(report.lines.join("\n"));
  console.log(`seed ${seed}: ${report.violations.join("; ")}`);
}
console.log(JSON.stringify(totals.summary()));
if (totals.isWrong) process.exitCode = 1;
