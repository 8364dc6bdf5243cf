/**
 * Bits flip in the files of dataservers that run, and files end too soon, never on more of them at once
 * than a block can do without, while clients read: no wrong byte is served, all of it is found and made
 * good, and nobody is told that all is well before it was looked at.
 *
 *   npm run faults -- rot --seconds 1200 --seed 1 --flips 10000 --scheme 4+2 --hosts 8
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Dice } from "../../raft/testing/dice.ts";
import { takeCensus, untilWhole } from "./census.ts";
import { type ClusterFaultOptions, type ClusterScene, choicesOf, stage } from "./cluster-fault.ts";
import { mixedSizes, ReadTally } from "./corpus.ts";
import { HealthWatch } from "./health-watch.ts";
import type { Quantiles } from "./progress.ts";
import { harm, harmedIn } from "./rotten.ts";

const READERS = 3;
const FLIPS_A_ROUND = 500;
const TRUNCATIONS = 3;
const INDEX_FLIPS = 5;
const REPAIRED_WITHIN_MS = 120_000;
const LOOK_MS = 250;
/** All of it is read again and again. */
const SCRUB = ["--scrub", "400", "--scrub-every", "1s", "--first-scrub", "400"];

export interface RotCounts {
  readonly acknowledged: number;
  readonly lost: number;
  readonly wrong: number;
  readonly violations: number;
  readonly rounds: number;
  readonly flips: number;
  readonly truncations: number;
  /** Blocks on single devices that were harmed, as reading the files found. */
  readonly harmed: number;
  /** Reads by clients, right ones and refused ones. */
  readonly reads: number;
  readonly refused: number;
  readonly readMs: Quantiles;
  /** From the harm until the cluster was healthy again, having read all of it, the longest. */
  readonly longestHealingMs: number;
  /** What it said of its health, how often. */
  readonly health: Readonly<Record<string, number>>;
  readonly complaints: readonly string[];
}

interface Tally {
  readonly reads: ReadTally;
  readonly complaints: string[];
  harmed: number;
  longestHealingMs: number;
}

export async function rot(
  options: ClusterFaultOptions & { readonly objects: number; readonly flips: number },
): Promise<RotCounts> {
  await using scene = await stage(options, { dataserverFlags: SCRUB });
  const { cluster, corpus, dice, scheme } = scene;
  await corpus.fill("kept/", mixedSizes(dice, options.objects));
  await using watch = new HealthWatch(cluster);
  const tally: Tally = {
    ...{ reads: new ReadTally(), complaints: [], harmed: 0, longestHealingMs: 0 },
  };
  let isOver = false;
  const readers = Array.from({ length: READERS }, () =>
    corpus.readOn(tally.reads, new Dice(dice.u32()), () => isOver, 5),
  );
  const untilMs = performance.now() + options.seconds * 1000;
  const rounds = Math.ceil(options.flips / FLIPS_A_ROUND);
  const perVictim = Math.ceil(Math.min(options.flips, FLIPS_A_ROUND) / scheme.m);
  let round = 0;
  for (; round < rounds && tally.complaints.length === 0; round++) {
    if (round > 0 && performance.now() > untilMs) break;
    const victims = choicesOf(cluster.dataservers, scheme.m, dice)[0] ?? [];
    await rotOnce(scene, watch, victims, perVictim, tally);
    options.say?.(
      `round ${round + 1}: dataservers ${victims.join(" and ")}, ${tally.harmed} harmed blocks so far, healthy after ${Math.round(tally.longestHealingMs)} ms at most`,
    );
  }
  isOver = true;
  await Promise.all(readers);
  const all = await corpus.readAll();
  const complaints = [...tally.complaints, ...tally.reads.complaints, ...all.complaints];
  for (const [said, times] of all.refused) complaints.push(`${times} reads got ${said} at the end`);
  const violations = complaints.length;
  if (violations > 0) complaints.push(cluster.group.output.slice(-2_000));
  return {
    acknowledged: corpus.acknowledged,
    ...{ lost: tally.reads.lost + all.lost, wrong: tally.reads.wrong + all.wrong, violations },
    ...{ rounds: round, flips: round * perVictim * scheme.m },
    truncations: round * TRUNCATIONS * scheme.m,
    harmed: tally.harmed,
    ...{ reads: tally.reads.right, refused: tally.reads.refusals, readMs: tally.reads.quantiles },
    longestHealingMs: Math.round(tally.longestHealingMs),
    health: Object.fromEntries(watch.said),
    complaints: complaints.slice(0, 12),
  };
}

async function rotOnce(
  { cluster, dice }: ClusterScene,
  watch: HealthWatch,
  victims: readonly number[],
  flips: number,
  tally: Tally,
): Promise<void> {
  const before = await untilWhole(cluster, REPAIRED_WITHIN_MS);
  if (before.troubles.length > 0) {
    tally.complaints.push(...before.troubles.map((what) => `not whole: ${what}`));
    return;
  }
  const folders = victims.map((n) => join(cluster.folder(n), "device"));
  const begunMs = performance.now();
  for (const folder of folders)
    await harm(folder, { flips, truncations: TRUNCATIONS, indexFlips: INDEX_FLIPS }, dice);
  const harmedMs = Date.now();
  tally.harmed += (await harmedInAll(folders)).length;
  // Healthy, and read since: from then on nothing may be harmed.
  while (!watch.isHealthySince(harmedMs)) {
    if (performance.now() - begunMs > REPAIRED_WITHIN_MS) {
      const { level, atRisk, concerns } = watch.last ?? {};
      tally.complaints.push(
        `not healthy: ${JSON.stringify({ level, atRisk, concerns }).slice(0, 1_500)}`,
      );
      return;
    }
    await sleep(LOOK_MS);
  }
  tally.longestHealingMs = Math.max(tally.longestHealingMs, performance.now() - begunMs);
  const left = await harmedInAll(folders);
  if (left.length > 0)
    tally.complaints.push(
      `healthy is said, and read since the harm, but harmed are: ${left.join(", ")}; a census: ${JSON.stringify(await checksOf(cluster, left)).slice(0, 1_000)}`,
    );
}

/** As `folder/block`. */
async function harmedInAll(folders: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    folders.map(async (folder) => (await harmedIn(folder)).map((block) => `${folder}/${block}`)),
  );
  return found.flat();
}

async function checksOf(cluster: ClusterScene["cluster"], left: readonly string[]) {
  const { blocks } = await takeCensus(cluster);
  return blocks
    .filter(({ block }) => left.some((path) => path.endsWith(`/${block}`)))
    .map(({ block, held }) => ({
      block,
      held: [...held].map(([device, { checkedMs, damage, generation }]) => ({
        ...{ device, checkedMs, generation, damage: damage.length },
      })),
    }));
}
