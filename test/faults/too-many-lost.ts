/**
 * One member more is away than a pool can do without, killed or hung: what cannot be read is refused
 * with words, soon, and nothing is taken for lost; when one is back everything is read again, by itself.
 * Before that as many hang as a pool can do without: they hold neither reads nor writes for long.
 *
 *   npm run faults -- too-many-lost --seconds 300 --seed 1 --scheme 4+2 --hosts 8
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { DeviceId } from "../../base/ids.ts";
import { filled } from "../../rpc/name-service.ts";
import { takeCensus } from "./census.ts";
import { type ClusterFaultOptions, type ClusterScene, choicesOf, stage } from "./cluster-fault.ts";
import { mixedSizes, ReadTally } from "./corpus.ts";
import { deviceOf } from "./lost-dataserver.ts";
import { type Quantiles, quantilesOf } from "./progress.ts";
import { CUT_OFF, sumOf } from "./s3-wire.ts";

/** What a refused read, and one around a hung member, may take at most, on a busy machine. */
const REFUSED_WITHIN_MS = 8_000;
const AROUND_WITHIN_MS = 3_000;
const WRITTEN_WITHIN_MS = 15_000;
const RECOVERED_WITHIN_MS = 20_000;
const WRITES = 12;
/** When the first bytes of a long object were sent already, an answer can only be cut off. */
const HONEST = new RegExp(`^503 (ServiceUnavailable|SlowDown)$|ObjectDamaged|^0 ${CUT_OFF}`);

export interface TooManyLostCounts {
  readonly acknowledged: number;
  readonly lost: number;
  readonly wrong: number;
  readonly violations: number;
  readonly objects: number;
  readonly rounds: number;
  /** Reads that were refused, by what was said. */
  readonly refusals: Readonly<Record<string, number>>;
  /** What refused reads took with the members killed, and with them hung. */
  readonly killedMs: Quantiles;
  readonly hungMs: Quantiles;
  /** Reads and writes while m members hang. */
  readonly readAroundMs: Quantiles;
  readonly writtenAroundMs: Quantiles;
  /** From the return of one until everything was read. */
  readonly recoveredMs: Quantiles;
  readonly complaints: readonly string[];
}

type How = "killed" | "hung";

class Findings {
  readonly refused = { killed: new ReadTally(), hung: new ReadTally() };
  readonly around = new ReadTally();
  readonly after = new ReadTally();
  readonly writtenMs: number[] = [];
  readonly recoveredMs: number[] = [];
  readonly complaints: string[] = [];

  get tallies(): ReadTally[] {
    return [this.refused.killed, this.refused.hung, this.around, this.after];
  }

  get troubles(): string[] {
    return [...this.complaints, ...this.tallies.flatMap((one) => one.complaints)];
  }

  count(what: "lost" | "wrong"): number {
    return this.tallies.reduce((sum, one) => sum + one[what], 0);
  }
}

export async function tooManyLost(
  options: ClusterFaultOptions & { readonly objects: number },
): Promise<TooManyLostCounts> {
  await using scene = await stage(options);
  const { cluster, corpus, dice, scheme } = scene;
  const found = new Findings();
  await corpus.fill("kept/", mixedSizes(dice, options.objects));
  const all = choicesOf(cluster.dataservers, scheme.m + 1, dice);
  const isHurtful = await hurtful(scene);
  // A few blocks stand on few of the hosts: without some of the others all can be read.
  const choices = all.filter(isHurtful);
  const untilMs = performance.now() + options.seconds * 1000;
  let rounds = 0;
  do {
    const victims = choices[rounds % choices.length] ?? [];
    for (const how of ["killed", "hung"] as const) {
      if (how === "hung") await hangSome(scene, victims.slice(1), rounds, found);
      await loseTooMany(scene, victims, how, found);
      options.say?.(
        `${victims.join(", ")} ${how}: refused within ${found.refused[how].quantiles.most} ms, read again after ${Math.round(found.recoveredMs.at(-1) ?? 0)} ms`,
      );
    }
    rounds++;
  } while (performance.now() < untilMs && found.troubles.length === 0);
  const complaints = found.troubles;
  if (complaints.length > 0) complaints.push(cluster.output.slice(-2_000));
  const { killed, hung } = found.refused;
  return {
    acknowledged: corpus.acknowledged,
    ...{ lost: found.count("lost"), wrong: found.count("wrong") },
    violations: complaints.length,
    ...{ objects: options.objects, rounds },
    refusals: sumOf([killed.refused, hung.refused]),
    ...{ killedMs: killed.quantiles, hungMs: hung.quantiles },
    ...{ readAroundMs: found.around.quantiles, writtenAroundMs: quantilesOf(found.writtenMs) },
    recoveredMs: quantilesOf(found.recoveredMs),
    complaints: complaints.slice(0, 10),
  };
}

/** Tells whether some block with needles loses too many members with these dataservers. */
async function hurtful(scene: ClusterScene) {
  const { cluster, scheme } = scene;
  const { blocks } = await takeCensus(cluster);
  const devices = new Map<number, DeviceId>();
  for (const n of cluster.dataservers) devices.set(n, await deviceOf(scene, n));
  const full = blocks.filter(({ held }) => [...held.values()].some(({ needles }) => needles > 0));
  return (victims: readonly number[]) => {
    const lost = new Set(victims.map((n) => devices.get(n)));
    return full.some(({ row }) => {
      const members = filled(row?.members ?? []).filter((device) => lost.has(device));
      return members.length > scheme.m;
    });
  };
}

/** As many as the pool can do without stand still. */
async function hangSome(
  { cluster, corpus, dice }: ClusterScene,
  victims: readonly number[],
  round: number,
  { around, after, writtenMs, complaints }: Findings,
): Promise<void> {
  for (const n of victims) cluster.signal("dataserver", n, "SIGSTOP");
  const reading = corpus.readAll(around);
  const fresh: string[] = [];
  for (const [at, lengthBytes] of mixedSizes(dice, WRITES).entries()) {
    const key = `around/${round}/${at}`;
    const begunMs = performance.now();
    let said: string | undefined;
    do said = await corpus.put(key, lengthBytes);
    while (said?.startsWith("503") && performance.now() - begunMs < WRITTEN_WITHIN_MS);
    if (said !== undefined) complaints.push(`${key} was not stored: ${said}`);
    else fresh.push(key);
    writtenMs.push(performance.now() - begunMs);
  }
  await reading;
  const { most } = around.quantiles;
  if (around.refusals > 0)
    complaints.push(
      `around hung members reads were refused: ${JSON.stringify([...around.refused])}`,
    );
  if (most > AROUND_WITHIN_MS) complaints.push(`a read around hung members took ${most} ms`);
  const longestMs = quantilesOf(writtenMs).most;
  if (longestMs > WRITTEN_WITHIN_MS) complaints.push(`a write took ${longestMs} ms`);
  await corpus.readAll(around, fresh);
  for (const n of victims) cluster.signal("dataserver", n, "SIGCONT");
  await cluster.untilUp();
  await corpus.readAll(after, fresh);
  for (const key of fresh)
    if (!(await corpus.remove(key))) complaints.push(`${key} was not removed`);
}

async function loseTooMany(
  { cluster, corpus }: ClusterScene,
  victims: readonly number[],
  how: How,
  found: Findings,
): Promise<void> {
  const lose = async (n: number) => {
    if (how === "killed") await cluster.end("dataserver", n, "SIGKILL");
    else cluster.signal("dataserver", n, "SIGSTOP");
  };
  const bring = (n: number) => {
    if (how === "killed") cluster.start("dataserver", n);
    else cluster.signal("dataserver", n, "SIGCONT");
  };
  await Promise.all(victims.map(lose));
  const tally = found.refused[how];
  await corpus.readAll(tally);
  const { most } = tally.quantiles;
  if (most > REFUSED_WITHIN_MS) found.complaints.push(`${how}: a read took ${most} ms`);
  for (const said of tally.refused.keys())
    if (!HONEST.test(said)) found.complaints.push(`${how}: a read was answered with ${said}`);
  if (tally.refusals === 0) found.complaints.push(`${how}: nothing was refused`);
  const [first, ...others] = victims;
  const backMs = performance.now();
  if (first !== undefined) bring(first);
  for (;;) {
    const now = await corpus.readAll();
    found.after.lost += now.lost;
    found.after.wrong += now.wrong;
    for (const one of now.complaints) found.after.complain(one);
    if (now.refusals === 0) break;
    if (performance.now() - backMs > RECOVERED_WITHIN_MS) {
      found.complaints.push(`${how}: one is back, and ${now.refusals} reads are refused`);
      break;
    }
    await sleep(100);
  }
  found.recoveredMs.push(performance.now() - backMs);
  for (const n of others) bring(n);
  await cluster.untilUp();
}
