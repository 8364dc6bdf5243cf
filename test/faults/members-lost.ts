/**
 * As many members of a block are killed as it can do without, every choice of them in its turn: each
 * object must be read right at once, and be written while the pool's minimum is up.
 *
 *   npm run faults -- members-lost --seconds 600 --seed 1 --scheme 4+2 --hosts 8
 */
import { setTimeout as sleep } from "node:timers/promises";
import { usualMinMembers } from "../../rpc/pool.ts";
import { type ClusterFaultOptions, type ClusterScene, choicesOf, stage } from "./cluster-fault.ts";
import { mixedSizes, ReadTally } from "./corpus.ts";
import { type Quantiles, quantilesOf } from "./progress.ts";

/** Changes after a kill are acknowledged by then: what is down is known after 5 s. */
const WRITES_AGAIN_MS = 30_000;
const WRITES = 12;

export interface MembersLostCounts {
  readonly acknowledged: number;
  readonly lost: number;
  readonly wrong: number;
  readonly violations: number;
  readonly objects: number;
  /** Choices of members that were killed, of all that there are. */
  readonly killed: string;
  readonly reads: number;
  /** Reads while all are there, and just after the kill. */
  readonly healthyMs: Quantiles;
  readonly degradedMs: Quantiles;
  /** From a kill to the first object stored after it; none when the minimum is not up. */
  readonly writtenAgainMs: Quantiles;
  readonly complaints: readonly string[];
}

interface Tallies {
  readonly healthy: ReadTally;
  readonly degraded: ReadTally;
  readonly writtenAgainMs: number[];
  readonly complaints: string[];
}

export async function membersLost(
  options: ClusterFaultOptions & { readonly objects: number },
): Promise<MembersLostCounts> {
  await using scene = await stage(options);
  const { cluster, corpus, dice, scheme } = scene;
  const tallies = {
    ...{ healthy: new ReadTally(), degraded: new ReadTally() },
    ...{ writtenAgainMs: [], complaints: [] },
  };
  await corpus.fill("kept/", mixedSizes(dice, options.objects));
  const choices = choicesOf(cluster.dataservers, scheme.m, dice);
  const untilMs = performance.now() + options.seconds * 1000;
  let killed = 0;
  for (const victims of choices) {
    if (killed > 0 && performance.now() > untilMs) break;
    await killAndRead(scene, victims, killed++, tallies);
    options.say?.(
      `killed ${victims.join(" and ")}: read at once, longest ${tallies.degraded.quantiles.most} ms; written again after ${Math.round(tallies.writtenAgainMs.at(-1) ?? 0)} ms`,
    );
    if (troublesOf(tallies).length > 0) break;
  }
  const { healthy, degraded } = tallies;
  const complaints = troublesOf(tallies);
  if (complaints.length > 0) complaints.push(cluster.output.slice(-2_000));
  return {
    acknowledged: corpus.acknowledged,
    lost: healthy.lost + degraded.lost,
    wrong: healthy.wrong + degraded.wrong,
    violations: complaints.length,
    objects: options.objects,
    killed: `${killed} of ${choices.length}`,
    reads: healthy.right + degraded.right,
    healthyMs: healthy.quantiles,
    degradedMs: degraded.quantiles,
    writtenAgainMs: quantilesOf(tallies.writtenAgainMs),
    complaints: complaints.slice(0, 10),
  };
}

function troublesOf({ healthy, degraded, complaints }: Tallies): string[] {
  const refused = [healthy, degraded].flatMap(({ refused }) =>
    [...refused].map(([said, times]) => `${times} reads were refused with ${said}`),
  );
  return [...complaints, ...healthy.complaints, ...degraded.complaints, ...refused];
}

async function killAndRead(
  scene: ClusterScene,
  victims: readonly number[],
  turn: number,
  tallies: Tallies,
): Promise<void> {
  const { cluster, corpus } = scene;
  await corpus.readAll(tallies.healthy);
  await Promise.all(victims.map((n) => cluster.end("dataserver", n, "SIGKILL")));
  const killedMs = performance.now();
  const reading = corpus.readAll(tallies.degraded);
  await writeAgain(scene, victims, turn, killedMs, tallies);
  await reading;
  const fresh = [...corpus.entries.keys()].filter((key) => key.startsWith(`new/${turn}/`));
  await corpus.readAll(tallies.degraded, fresh);
  for (const n of victims) cluster.start("dataserver", n);
  await cluster.untilUp();
  // What has holes cannot do without as many: it goes.
  await corpus.readAll(tallies.healthy, fresh);
  for (const key of fresh)
    if (!(await corpus.remove(key))) tallies.complaints.push(`${key} was not removed`);
}

async function writeAgain(
  { cluster, corpus, dice, scheme }: ClusterScene,
  victims: readonly number[],
  turn: number,
  killedMs: number,
  { complaints, writtenAgainMs }: Tallies,
): Promise<void> {
  const up = cluster.dataservers.length - victims.length;
  const copies = { k: 1, m: scheme.m };
  if (up < Math.max(usualMinMembers(scheme), usualMinMembers(copies))) {
    const said = await corpus.put(`new/${turn}/refused`, 1000);
    if (said === undefined) complaints.push(`with ${up} members up an object was stored`);
    else if (!said.startsWith("503")) complaints.push(`with ${up} members up a PUT got ${said}`);
    return;
  }
  for (const [at, lengthBytes] of mixedSizes(dice, WRITES).entries())
    for (;;) {
      const said = await corpus.put(`new/${turn}/${at}`, lengthBytes);
      if (said === undefined) break;
      const afterMs = Math.round(performance.now() - killedMs);
      if (afterMs > WRITES_AGAIN_MS) {
        complaints.push(`not stored ${afterMs} ms after a kill, with ${up} members up: ${said}`);
        return;
      }
      await sleep(100);
    }
  writtenAgainMs.push(performance.now() - killedMs);
}
