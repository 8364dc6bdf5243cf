/**
 * SIGKILL of the leader of several nameservers, again and again, under load through two clients: every
 * acknowledged change must be there, for whichever client asks next, what clients see must be
 * linearizable, and soon somebody must lead.
 *
 *   npm run faults -- leader-kill --seconds 600 --seed 1 --members 5
 */
import { setTimeout as sleep } from "node:timers/promises";
import { NameserverGroup } from "../nameserver-group.ts";
import { GroupLoad, type LoadCounts } from "./group-load.ts";
import { NameRegisters } from "./registers.ts";
import { agree, untilBack } from "./watching.ts";

export interface LeaderKillCounts extends LoadCounts {
  readonly failovers: number;
}

export async function leaderKill(options: {
  readonly seconds: number;
  readonly members: number;
  readonly seed: number;
  readonly say?: (line: string) => void;
}): Promise<LeaderKillCounts> {
  await using group = await NameserverGroup.found(options.members);
  await using one = group.client();
  await using other = group.client();
  const clients = [one, other].map(({ names }) => new NameRegisters(names));
  const load = await GroupLoad.begin({ clients, seed: options.seed });
  const untilMs = performance.now() + options.seconds * 1000;
  let failovers = 0;
  while (performance.now() < untilMs && load.isWell) {
    await sleep(load.dice.between(1_000, 3_000));
    const leader = await group.leader();
    load.mark();
    await group.end(leader, "SIGKILL");
    await sleep(load.dice.between(0, 3_000));
    group.start(leader);
    // The next leader must not be killed while this one is still away.
    await untilBack(group, leader, load);
    await load.acknowledgedAgain();
    failovers++;
    const { acknowledged, lastFirstMs } = load.progress;
    options.say?.(`kill ${failovers}: ${acknowledged} acknowledged, again after ${lastFirstMs} ms`);
  }
  await load.finish();
  await agree(group, load);
  return { ...load.counts(), failovers };
}
