/**
 * SIGKILL of the leader of several nameservers, again and again, under load through two gateways (or
 * two clients without any): every acknowledged change must be there, for whoever asks next, what
 * clients see must be linearizable, and soon somebody must lead.
 *
 *   npm run faults -- leader-kill --seconds 600 --seed 1 --members 5 --gateways 2
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster } from "../cluster.ts";
import { NameserverGroup } from "../nameserver-group.ts";
import { GroupLoad, type LoadCounts } from "./group-load.ts";
import { type Quantiles, quantilesOf } from "./progress.ts";
import { NameRegisters } from "./registers.ts";
import { Contents, S3Registers } from "./s3-registers.ts";
import { sumOf } from "./s3-wire.ts";
import { agree, untilBack } from "./watching.ts";

/** Those of a load through gateways: everything shares the machine with more processes. */
const S3_WRITERS = 8;
const S3_MEETING = 6;
const DATASERVERS = 2;
const LOOK_MS = 10;

export interface LeaderKillCounts extends LoadCounts {
  readonly failovers: number;
  /** From each kill until another one leads; the rest is for clients to find that out. */
  readonly ledAgainMs: Quantiles;
  /** What gateways said instead of an answer, and how often. */
  readonly refusals: Readonly<Record<string, number>>;
}

export interface LeaderKillOptions {
  readonly seconds: number;
  readonly members: number;
  /** 0: clients talk to the nameservers themselves. */
  readonly gateways: number;
  readonly seed: number;
  readonly say?: (line: string) => void;
}

export async function leaderKill(options: LeaderKillOptions): Promise<LeaderKillCounts> {
  const { members, gateways, seed } = options;
  if (gateways > 0) {
    await using cluster = await Cluster.found({
      ...{ nameservers: members, gateways },
      dataservers: DATASERVERS,
    });
    const contents = new Contents();
    const clients = cluster.gateways.map((n) => new S3Registers(cluster.endpoint(n), contents));
    const few = { writers: S3_WRITERS, meeting: S3_MEETING };
    const load = await GroupLoad.begin({ clients, seed, ...few });
    const ledMs = await killAgain(cluster.group, load, options);
    for (const client of clients) client.close();
    if (load.complaints().length > 0) load.complain(cluster.output.slice(-2_000));
    const refusals = sumOf(clients.map((one) => one.refusals));
    return { ...load.counts(), ...counted(ledMs), refusals };
  }
  await using group = await NameserverGroup.found(members);
  await using one = group.client();
  await using other = group.client();
  const clients = [one, other].map(({ names }) => new NameRegisters(names));
  const load = await GroupLoad.begin({ clients, seed });
  const ledMs = await killAgain(group, load, options);
  return { ...load.counts(), ...counted(ledMs), refusals: {} };
}

const counted = (ledMs: readonly number[]) => ({
  failovers: ledMs.length,
  ledAgainMs: quantilesOf(ledMs),
});

/** Tells after how long somebody led again, each time. */
async function killAgain(
  group: NameserverGroup,
  load: GroupLoad,
  { seconds, say }: LeaderKillOptions,
): Promise<number[]> {
  const untilMs = performance.now() + seconds * 1000;
  const ledMs: number[] = [];
  do {
    await sleep(load.dice.between(1_000, 3_000));
    const leader = await group.leader();
    load.mark();
    const killedMs = performance.now();
    await group.end(leader, "SIGKILL");
    const led = somebodyLeads(group).then(() => Math.round(performance.now() - killedMs));
    await sleep(load.dice.between(0, 3_000));
    group.start(leader);
    // The next leader must not be killed while this one is still away.
    await untilBack(group, leader, load);
    await load.acknowledgedAgain();
    ledMs.push(await led);
    const { acknowledged, lastFirstMs, longestGapMs } = load.progress;
    const { term } = (await group.status(await group.leader())) ?? {};
    const again = `led again after ${ledMs.at(-1)} ms, acknowledged again after ${lastFirstMs} ms`;
    const since = `term ${term}, longest gap ${Math.round(longestGapMs)} ms`;
    say?.(`kill ${ledMs.length}: ${acknowledged} acknowledged, ${again}, ${since}`);
  } while (performance.now() < untilMs && load.isWell);
  await load.finish();
  await agree(group, load);
  return ledMs;
}

/** Resolves when any member leads; none waits for the answer of another. */
async function somebodyLeads(group: NameserverGroup): Promise<void> {
  let isKnown = false;
  const watched = group.nodes.map(async (node) => {
    while (!isKnown && (await group.status(node))?.role !== "leader") await sleep(LOOK_MS);
    isKnown = true;
  });
  await Promise.race(watched);
}
