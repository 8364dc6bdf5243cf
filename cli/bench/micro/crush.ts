/**
 * Where CRUSH puts things: mappings, beside the same without the kernel and beside crushtool where it is
 * installed (Debian: `ceph-base`), whose start and reading of the map count with its many mappings.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { clusterMap, spreadRule } from "../../../crush/cluster-map.ts";
import { layOut } from "../../../crush/layout.ts";
import type { CrushMap } from "../../../crush/map.ts";
import { devicesOf, makePgTable } from "../../../crush/pg.ts";
import { place } from "../../../crush/place.ts";
import { createScratch } from "../../../crush/scratch.ts";
import { startingReweights } from "../../../crush/tester.ts";
import { decompile } from "../../../crush/text/decompile.ts";
import { type Case, type Micro, OURS, type Way } from "./micro.ts";

const shapes = [
  { hosts: 20, perHost: 10 },
  { hosts: 100, perHost: 10 },
  { hosts: 500, perHost: 20 },
] as const;
const rules = [
  { id: 0, name: "replicated", kind: "replicated", domain: "host", replicas: 3 },
  { id: 1, name: "erasure", kind: "erasure", domain: "host", replicas: 6 },
] as const;
type Rule = (typeof rules)[number];

const BATCH = 1000;
const TOOL_BATCH = 100_000;
const LOOK_UPS = 1_000_000;

export const crush: Micro = {
  what: "mappings beside crushtool and without the kernel",
  open: async (folder) => ({
    cases: [...shapes.flatMap((shape) => casesOf(shape, folder)), lookUps()],
    [Symbol.asyncDispose]: async () => undefined,
  }),
};

function mapOf(hosts: number, perHost: number): CrushMap {
  const devices = Array.from({ length: hosts * perHost }, (_, i) => ({
    name: `osd.${i}`,
    host: `host${Math.floor(i / perHost)}`,
  }));
  return rules.reduce<CrushMap>((map, rule) => spreadRule(map, rule), clusterMap(devices));
}

function casesOf({ hosts, perHost }: (typeof shapes)[number], folder: string): Case[] {
  const map = mapOf(hosts, perHost);
  const devices = hosts * perHost;
  const [text, binary] = [join(folder, `${devices}.txt`), join(folder, `${devices}`)];
  writeFileSync(text, decompile(map));
  const isInstalled = spawnSync("crushtool", ["-c", text, "-o", binary]).status === 0;
  return rules.map((rule) => ({
    ...{ name: `crush-${devices}-${rule.name}-${rule.replicas}`, lanes: 1 },
    ways: [
      ours(map, rule, "auto", OURS),
      ...(isInstalled ? [theirs(binary, rule)] : []),
      ours(map, rule, "never", "without kernel"),
    ],
  }));
}

function ours(map: CrushMap, rule: Rule, kernel: "auto" | "never", name: string): Way {
  const layout = layOut(map, { kernel });
  const scratch = createScratch(layout, rule.replicas);
  const reweights = startingReweights(map);
  let x = 0;
  const run = () => {
    for (const end = x + BATCH; x < end; x++)
      place(layout, rule.id, x, rule.replicas, reweights, scratch);
  };
  return { name, batch: BATCH, run };
}

function theirs(binary: string, { id, replicas }: Rule): Way {
  const args = ["-i", binary, "--test", "--rule", `${id}`, "--num-rep", `${replicas}`];
  const inputs = ["--min-x", "0", "--max-x", `${TOOL_BATCH - 1}`, "--show-bad-mappings"];
  const run = () => {
    const { status, stderr } = spawnSync("crushtool", [...args, ...inputs]);
    if (status !== 0) throw new Error(`crushtool: ${stderr.toString()}`);
  };
  return { name: "crushtool", batch: TOOL_BATCH, run };
}

/** The data path: placements of a pool are computed once for each epoch, and looked up. */
function lookUps(): Case {
  const map = mapOf(100, 10);
  const pool = { id: 1, pgNum: 4096, pgpNum: 4096, hashPool: true, size: 3, ruleId: 0 };
  const table = makePgTable(layOut(map), pool, startingReweights(map));
  const run = () => {
    for (let i = 0; i < LOOK_UPS; i++)
      if (devicesOf(table, i & 4095)[i % 3] === undefined) throw new Error("a group has no device");
  };
  return { name: "crush-look-up", lanes: 1, ways: [{ name: OURS, batch: LOOK_UPS, run }] };
}
