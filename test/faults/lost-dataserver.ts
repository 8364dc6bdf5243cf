/**
 * A dataserver that holds a lot is lost for good, or put out: the cluster becomes whole again by
 * itself, while it is read, about as fast as its disks allow.
 *
 *   npm run faults -- lost-dataserver --seed 1 --gib 10 --scheme 4+2 --hosts 8
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { DeviceId } from "../../base/ids.ts";
import { type Census, untilWhole } from "./census.ts";
import { type ClusterFaultOptions, type ClusterScene, order, stage } from "./cluster-fault.ts";
import { copySpeed, forgetCached } from "./copy-speed.ts";
import { ReadTally } from "./corpus.ts";
import type { Quantiles } from "./progress.ts";

const GIB = 2 ** 30;
const MIB = 2 ** 20;
/** Between two reads meanwhile: they are to be right and soon, and take what healing has of the CPU. */
const READ_EVERY_MS = 250;
const OBJECT_BYTES = 8 * MIB;
/** And of the rest each is small. */
const LARGE_SHARE = 0.95;
const SMALL_BYTES = 16 * 1024;
const COPIED_BYTES = 2 * GIB;
/** A device is put out when it was down for so long. */
const OUT_AFTER_MS = 1_000;
const AT_LEAST = 0.5;

export interface LostDataserverCounts {
  readonly acknowledged: number;
  readonly lost: number;
  readonly wrong: number;
  readonly violations: number;
  /** What the dataserver held. */
  readonly heldMb: number;
  /** From its loss until it was put out, and from then until all was whole. */
  readonly noticedMs: number;
  readonly healedMs: number;
  /** Read and written in a second: by healing, without what was read back; by `cp`; their ratio. */
  readonly healingMbPerSecond: number;
  readonly copyMbPerSecond: number;
  readonly ratio: number;
  /** Reads meanwhile. */
  readonly readMs: Quantiles;
  readonly complaints: readonly string[];
}

export interface LostDataserverOptions extends ClusterFaultOptions {
  /** What the lost one holds. */
  readonly gib: number;
  /** Put out instead of lost. */
  readonly drain?: boolean;
  /** Whether healing slower than half of `cp` is a violation. */
  readonly isJudged: boolean;
}

export async function lostDataserver(
  options: LostDataserverOptions,
): Promise<LostDataserverCounts> {
  await using scene = await stage(options);
  const { cluster, corpus, dice } = scene;
  const complaints: string[] = [];
  await fill(scene, options);
  const whole = await untilWhole(cluster, options.seconds * 1000);
  complaints.push(...whole.troubles.map((what) => `before the loss: ${what}`));
  const victim = dice.between(1, options.hosts);
  const others = cluster.dataservers.filter((n) => n !== victim);
  const device = await deviceOf(scene, victim);
  const heldBytes = bytesOn(whole.census, device);
  const speed = () =>
    copySpeed(folderOf(scene, others[0]), folderOf(scene, others[1]), COPIED_BYTES);
  const before = await speed();
  options.say?.(`${Math.round(heldBytes / MIB)} MiB are lost; cp: ${mb(before)} MB/s`);
  await forgetCached(others.map((n) => folderOf(scene, n)));
  const meanwhile = new ReadTally();
  let isOver = false;
  const reading = corpus.readOn(meanwhile, dice, () => isOver, READ_EVERY_MS);
  const lostMs = performance.now();
  await lose(scene, victim, device, options);
  const outMs = await untilOut(scene, device);
  await watchHealing(scene, outMs, options);
  const healed = await untilWhole(cluster, options.seconds * 1000, options.say);
  const healedMs = performance.now() - outMs;
  isOver = true;
  await reading;
  complaints.push(...healed.troubles.map((what) => `not whole: ${what}`));
  const copied = (before + (await speed())) / 2;
  const all = await corpus.readAll();
  for (const tally of [meanwhile, all]) {
    complaints.push(...tally.complaints);
    for (const [said, times] of tally.refused) complaints.push(`${times} reads got ${said}`);
  }
  const healing = (1000 * healingBytes(whole.census, healed.census)) / healedMs;
  const ratio = healing / copied;
  if (options.isJudged && ratio < AT_LEAST)
    complaints.push(`healing reached ${ratio.toFixed(2)} of cp`);
  const violations = complaints.length;
  if (violations > 0) complaints.push(cluster.group.output.slice(-2_000));
  return {
    acknowledged: corpus.acknowledged,
    ...{ lost: meanwhile.lost + all.lost, wrong: meanwhile.wrong + all.wrong, violations },
    heldMb: mb(heldBytes),
    ...{ noticedMs: Math.round(outMs - lostMs), healedMs: Math.round(healedMs) },
    ...{ healingMbPerSecond: mb(healing), copyMbPerSecond: mb(copied) },
    ratio: Math.round(ratio * 100) / 100,
    readMs: meanwhile.quantiles,
    complaints: complaints.slice(0, 12),
  };
}

const mb = (bytes: number) => Math.round(bytes / 1e6);

function folderOf({ cluster }: ClusterScene, n = 0): string {
  return join(cluster.folder(n), "device");
}

/** Until each dataserver has about as much as is to be lost. */
async function fill(scene: ClusterScene, { gib, hosts }: LostDataserverOptions): Promise<void> {
  const { k, m } = scene.scheme;
  const largeBytes = (gib * GIB * hosts * k * LARGE_SHARE) / (k + m);
  const smallBytes = (gib * GIB * hosts * (1 - LARGE_SHARE)) / (1 + m);
  const counted = (bytes: number, each: number) =>
    Array.from({ length: Math.max(4, Math.round(bytes / each)) }, () => each);
  await scene.corpus.fill("large/", counted(largeBytes, OBJECT_BYTES));
  await scene.corpus.fill("small/", counted(Math.min(smallBytes, 64 * MIB), SMALL_BYTES));
}

async function lose(
  { cluster }: ClusterScene,
  victim: number,
  device: DeviceId,
  { drain }: LostDataserverOptions,
): Promise<void> {
  if (drain === true) {
    await order(cluster, { type: "changeDevice", device, in: false });
    return;
  }
  await order(cluster, { type: "setHealing", change: { outAfterMs: OUT_AFTER_MS } });
  await cluster.end("dataserver", victim, "SIGKILL");
  await rm(cluster.folder(victim), { recursive: true });
}

async function untilOut({ cluster }: ClusterScene, device: DeviceId): Promise<number> {
  await using client = cluster.group.client();
  for (;;) {
    const { map } = await client.names.clusterMap(0);
    if (map?.devices.find((one) => one.device === device)?.in === false) return performance.now();
    await sleep(50);
  }
}

/** Which device dataserver `n` has. */
export async function deviceOf({ cluster }: ClusterScene, n: number): Promise<DeviceId> {
  await using client = cluster.group.client();
  const { map } = await client.names.clusterMap(0);
  const server = map?.dataservers.find(({ address }) => address === cluster.address(n));
  const device = map?.devices.find((one) => one.server === server?.server);
  if (device === undefined) throw new Error(`dataserver ${n} has no device`);
  return device.device;
}

function bytesOn({ blocks }: Census, device: DeviceId): number {
  let sum = 0;
  for (const { held } of blocks)
    for (const [holder, { fileBytes }] of held) if (holder === device) sum += fileBytes;
  return sum;
}

/** What members made anew took: k pieces read (a copy: one) and one written, for each. */
function healingBytes(before: Census, after: Census): number {
  const had = new Map(before.blocks.map(({ block, held }) => [block, held]));
  let sum = 0;
  for (const { block, row, held } of after.blocks)
    for (const [device, { fileBytes }] of held)
      if (row !== undefined && had.get(block)?.has(device) === false)
        sum += (row.scheme.k + 1) * fileBytes;
  return sum;
}

/**
 * Says what healing does, as the leader tells it, whenever that changes, until it has begun and nothing is
 * left of it, or time is over. Only then it is worth to ask everybody, which takes of the CPU that heals.
 */
async function watchHealing(
  { cluster }: ClusterScene,
  sinceMs: number,
  { say, seconds }: LostDataserverOptions,
): Promise<void> {
  await using client = cluster.group.client();
  let said = "";
  let hasBegun = false;
  for (let left = 1; left > 0 || !hasBegun; await sleep(100)) {
    const atMs = performance.now() - sinceMs;
    if (atMs > seconds * 1000) return;
    const { work, bytesDone } = await client.names.healing();
    left = Object.values(work).reduce((sum, { waiting, running }) => sum + waiting + running, 0);
    hasBegun ||= left > 0;
    const now = Object.entries(work)
      .filter(([, { waiting, running, done }]) => waiting + running + done > 0)
      .map(([kind, { waiting, running, done }]) => `${kind} ${waiting}/${running}/${done}`)
      .join(", ");
    if (now !== said) say?.(`+${Math.round(atMs)} ms: ${now}; ${mb(bytesDone)} MB`);
    said = now;
  }
}
