/**
 * A host is added to some that are full of data, and drained again, while all of it is read: what moves
 * is hardly more than `quarry crush whatif` says of the two maps.
 *
 *   npm run faults -- grow --seed 1 --hosts 7 --objects 3000
 */
import { execFile } from "node:child_process";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { decompile } from "../../crush/text/decompile.ts";
import { printExactWeight } from "../../crush/text/fixed-point.ts";
import type { ClusterMap } from "../../rpc/cluster-map.ts";
import { crushMapOf, ruleName } from "../../rpc/crush-map.ts";
import { placementOf } from "../../rpc/placement.ts";
import { piecesOf } from "../../rpc/pool.ts";
import { type Census, takeCensus, untilWhole } from "./census.ts";
import { type ClusterFaultOptions, type ClusterScene, order, stage } from "./cluster-fault.ts";
import { ReadTally } from "./corpus.ts";
import { deviceOf } from "./lost-dataserver.ts";
import type { Quantiles } from "./progress.ts";

/** Large enough to be spread over the open blocks. */
const OBJECT_BYTES = 300_000;
/** After so many objects all blocks are sealed: small ones are many, so that chance evens out. */
const SEALED_AFTER = 16;
const POOL = { pgNum: 2048 };
const LOOK_MS = 500;
const MOST = 1.1;
/** With fewer blocks chance moves more or less than the share of all that `whatif` tells. */
const JUDGED_FROM = 1_000;

export interface GrowCounts {
  readonly acknowledged: number;
  readonly lost: number;
  readonly wrong: number;
  readonly violations: number;
  readonly blocks: number;
  readonly storedMb: number;
  /** What moved to the new host, what CRUSH says of these blocks, and what `whatif` says of all. */
  readonly movedMb: number;
  readonly placedMb: number;
  readonly whatifMb: number;
  readonly ratio: number;
  readonly grownMs: number;
  readonly drainedMs: number;
  readonly reads: number;
  readonly readMs: Quantiles;
  readonly complaints: readonly string[];
}

export async function grow(
  options: ClusterFaultOptions & { readonly objects: number },
): Promise<GrowCounts> {
  await using scene = await stage({ ...options, pool: POOL });
  const { cluster, corpus, dice } = scene;
  const complaints: string[] = [];
  const longestMs = Math.max(60, options.seconds) * 1000;
  const sizes = Array.from({ length: SEALED_AFTER }, () => OBJECT_BYTES);
  for (let stored = 0; stored < options.objects; stored += SEALED_AFTER) {
    await corpus.fill(`kept/${stored}/`, sizes);
    await sealAll(scene);
  }
  const before = await untilWhole(cluster, longestMs, options.say);
  const meanwhile = new ReadTally();
  let isOver = false;
  const reading = corpus.readOn(meanwhile, dice, () => isOver, 10);
  const wait = async (what: string) => {
    const begunMs = performance.now();
    const { census, troubles } = await untilWhole(cluster, longestMs, options.say);
    complaints.push(...troubles.slice(0, 5).map((trouble) => `${what}: ${trouble}`));
    return { census, tookMs: Math.round(performance.now() - begunMs) };
  };
  complaints.push(...before.troubles.slice(0, 5).map((what) => `before: ${what}`));
  const added = await cluster.addDataserver();
  await cluster.untilUp();
  const grown = await wait("grown");
  const moved = await movementOf(scene, before.census, grown.census);
  options.say?.(`grown in ${grown.tookMs} ms: ${JSON.stringify(moved)}`);
  const device = await deviceOf(scene, added);
  await order(cluster, { type: "changeDevice", device, in: false });
  const drainedMs = performance.now();
  const holds = ({ blocks }: Census) => blocks.filter(({ held }) => held.has(device)).length;
  // Open blocks are sealed first.
  while (holds(await takeCensus(cluster)) > 0 && performance.now() - drainedMs < longestMs)
    await sleep(LOOK_MS);
  const drained = await wait("drained");
  const left = holds(drained.census);
  const emptyMs = Math.round(performance.now() - drainedMs);
  if (left > 0) complaints.push(`the drained device holds ${left} blocks yet`);
  isOver = true;
  await reading;
  const all = await corpus.readAll();
  for (const tally of [meanwhile, all]) {
    complaints.push(...tally.complaints);
    for (const [said, times] of tally.refused) complaints.push(`${times} reads got ${said}`);
  }
  const { blocks } = before.census;
  const ratio = moved.movedMb / (blocks.length >= JUDGED_FROM ? moved.whatifMb : moved.placedMb);
  if (ratio > MOST) complaints.push(`what moved is ${ratio.toFixed(2)} of what was to be`);
  const violations = complaints.length;
  if (violations > 0) complaints.push(cluster.group.output.slice(-2_000));
  return {
    acknowledged: corpus.acknowledged,
    ...{ lost: meanwhile.lost + all.lost, wrong: meanwhile.wrong + all.wrong, violations },
    ...{ blocks: blocks.length, ...moved, ratio: Math.round(ratio * 1000) / 1000 },
    ...{ grownMs: grown.tookMs, drainedMs: emptyMs },
    ...{ reads: meanwhile.right, readMs: meanwhile.quantiles },
    complaints: complaints.slice(0, 12),
  };
}

/** Also because the members of an open block stay where they are. */
export async function sealAll({ cluster, pools }: ClusterScene): Promise<void> {
  await using client = cluster.group.client();
  for (const pool of new Set([pools.small, pools.large]))
    for (const { block, generation } of await client.names.openBlocks(pool))
      await client.names.reportBlock(block, generation, "full");
}

async function movementOf(scene: ClusterScene, before: Census, after: Census) {
  const had = new Map(before.blocks.map(({ block, held }) => [block, held]));
  const [was, is] = [placementOf(before.map), placementOf(after.map)];
  let [stored, moved, placed] = [0, 0, 0];
  for (const { block, row, held } of after.blocks)
    for (const [device, { fileBytes }] of held) {
      const old = had.get(block);
      if (row === undefined || old === undefined) continue;
      stored += fileBytes;
      if (!old.has(device)) moved += fileBytes;
      const { scheme } = row;
      if (
        !was.devicesOf(block, scheme).includes(device) &&
        is.devicesOf(block, scheme).includes(device)
      )
        placed += fileBytes;
    }
  const share = await whatif(scene, before.map, after.map);
  const mb = (bytes: number) => Math.round(bytes / 1e4) / 100;
  const whatifMb = mb(stored * share);
  return { storedMb: mb(stored), movedMb: mb(moved), placedMb: mb(placed), whatifMb };
}

/** The share of all pieces that `quarry crush whatif` says will move from one map to the other. */
async function whatif(
  { pools }: ClusterScene,
  before: ClusterMap,
  after: ClusterMap,
): Promise<number> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "quarry-whatif-"));
  const paths = [join(folder.path, "before.txt"), join(folder.path, "after.txt")] as const;
  for (const [at, map] of [before, after].entries())
    await writeFile(paths[at] ?? "", decompile(crushMapOf(map), printExactWeight));
  const pool = before.pools.find(({ id }) => id === pools.large);
  if (pool === undefined) throw new Error("the pool is in the map");
  const quarry = new URL("../../cli/bin.mjs", import.meta.url).pathname;
  const rule = ["--rule", ruleName(pool, pool.scheme), "--num-rep", String(piecesOf(pool.scheme))];
  const words = [quarry, "crush", "whatif", paths[0], "--to", paths[1], ...rule, "--json"];
  const { stdout } = await promisify(execFile)(process.execPath, words, { maxBuffer: 1 << 26 });
  const { movedShare: share } = JSON.parse(stdout) as { movedShare?: number };
  if (share === undefined) throw new Error(`whatif tells no share: ${stdout.slice(0, 500)}`);
  return share;
}
