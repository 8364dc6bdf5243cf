/**
 * CRUSH mappings per second of CPU, beside crushtool in the same run where it is installed
 * (Debian: `ceph-base`): `node bench/crush.ts`. CPU time, not wall time, because machines are
 * shared; the rounds take turns and the best of each side counts. crushtool's start and the reading
 * of the map are subtracted.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clusterMap, spreadRule } from "../crush/cluster-map.ts";
import { layOut } from "../crush/layout.ts";
import type { CrushMap } from "../crush/map.ts";
import { devicesOf, makePgTable } from "../crush/pg.ts";
import { place } from "../crush/place.ts";
import { createScratch } from "../crush/scratch.ts";
import { startingReweights } from "../crush/tester.ts";
import { decompile } from "../crush/text/decompile.ts";

const ROUNDS = 3;

const shapes = [
  { hosts: 20, perHost: 10, inputs: 200_000 },
  { hosts: 100, perHost: 10, inputs: 100_000 },
  { hosts: 500, perHost: 20, inputs: 30_000 },
] as const;
const rules = [
  { id: 0, name: "replicated", kind: "replicated", domain: "host", replicas: 3 },
  { id: 1, name: "erasure", kind: "erasure", domain: "host", replicas: 6 },
] as const;

const folder = mkdtempSync(join(tmpdir(), "quarry-crush-bench-"));
try {
  console.log("devices  rule        quarry/s  without kernel/s  crushtool/s  ratio");
  for (const shape of shapes) measureShape(shape);
  measureLookUp();
} finally {
  rmSync(folder, { recursive: true });
}

function mapOf(hosts: number, perHost: number): CrushMap {
  const devices = Array.from({ length: hosts * perHost }, (_, i) => ({
    name: `osd.${i}`,
    host: `host${Math.floor(i / perHost)}`,
  }));
  return rules.reduce<CrushMap>((map, rule) => spreadRule(map, rule), clusterMap(devices));
}

function measureShape({ hosts, perHost, inputs }: (typeof shapes)[number]): void {
  const map = mapOf(hosts, perHost);
  writeFileSync(join(folder, "map.txt"), decompile(map));
  const built = spawnSync("crushtool", ["-c", join(folder, "map.txt"), "-o", join(folder, "map")]);
  for (const { id, name, replicas } of rules) {
    const best = { fast: Infinity, plain: Infinity, theirs: Infinity };
    for (let round = 0; round < ROUNDS; round++) {
      best.fast = Math.min(best.fast, ourSeconds(map, id, replicas, inputs, "auto"));
      best.plain = Math.min(best.plain, ourSeconds(map, id, replicas, inputs, "never"));
      if (built.status !== 0) continue;
      const start = theirSeconds(id, replicas, 1);
      best.theirs = Math.min(best.theirs, theirSeconds(id, replicas, inputs) - start);
    }
    const rate = (seconds: number) =>
      Number.isFinite(seconds) ? `${Math.round(inputs / seconds / 1000)}k` : "-";
    const ratio = Number.isFinite(best.theirs) ? (best.theirs / best.fast).toFixed(2) : "-";
    console.log(
      `${String(hosts * perHost).padStart(7)}  ${`${name} ${replicas}`.padEnd(12)}${rate(best.fast).padStart(8)}` +
        `${rate(best.plain).padStart(18)}${rate(best.theirs).padStart(13)}${ratio.padStart(7)}`,
    );
  }
}

function ourSeconds(
  map: CrushMap,
  ruleId: number,
  replicas: number,
  inputs: number,
  kernel: "auto" | "never",
): number {
  const layout = layOut(map, { kernel });
  const scratch = createScratch(layout, replicas);
  const reweights = startingReweights(map);
  const start = process.cpuUsage();
  for (let x = 0; x < inputs; x++) place(layout, ruleId, x, replicas, reweights, scratch);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

/** CPU seconds of one run of crushtool that prints nothing but bad mappings. */
function theirSeconds(ruleId: number, replicas: number, inputs: number): number {
  const args = ["-i", join(folder, "map"), "--test", "--rule", `${ruleId}`, "--min-x", "0"];
  args.push("--num-rep", `${replicas}`, "--max-x", `${inputs - 1}`, "--show-bad-mappings");
  const script = `TIMEFORMAT='%U %S'; time crushtool "$@" >/dev/null`;
  const { stderr } = spawnSync("bash", ["-c", script, "bench", ...args]);
  const times = stderr.toString().trim().split("\n").at(-1)?.split(" ").map(Number) ?? [];
  return times.reduce((sum, seconds) => sum + seconds, 0);
}

/** The data path: placements of a pool are computed once per epoch and looked up. */
function measureLookUp(): void {
  const map = mapOf(100, 10);
  const pool = { id: 1, pgNum: 4096, pgpNum: 4096, hashPool: true, size: 3, ruleId: 0 };
  const made = process.cpuUsage();
  const table = makePgTable(layOut(map), pool, startingReweights(map));
  const making = process.cpuUsage(made).user / 1e6;
  const lookUps = 10_000_000;
  const start = process.cpuUsage();
  let sum = 0;
  for (let i = 0; i < lookUps; i++) sum += devicesOf(table, i & 4095)[i % 3] ?? 0;
  const looking = process.cpuUsage(start).user / 1e6;
  console.log(
    `\ntable of 4,096 placement groups: made in ${(making * 1000).toFixed(0)} ms, ` +
      `${(lookUps / looking / 1e6).toFixed(0)} million look-ups/s (check ${sum})`,
  );
}
