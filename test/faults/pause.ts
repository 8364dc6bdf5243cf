/**
 * SIGSTOP of the leader for a long time, then SIGCONT. What clients asked it while it stood still lies
 * in its sockets and is the first that it hears: it must not answer any of it from its old state.
 *
 *   npm run faults -- pause --seconds 120 --seed 1 --pause 30
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Dice } from "../../raft/testing/dice.ts";
import { NameserverGroup } from "../nameserver-group.ts";
import { GroupLoad, type LoadCounts } from "./group-load.ts";
import { NameRegisters } from "./registers.ts";
import { agree, untilBack } from "./watching.ts";

/** Clients that ask only the paused leader, each at another moment of its pause. */
const PINNED = 12;
/** They wait for its answer so much longer than the pause lasts. */
const PATIENCE_MS = 10_000;
/** And go on asking it when it runs again. */
const AFTER_MS = 1_500;
const FIRST_CLIENT = 100;

export interface PauseCounts extends LoadCounts {
  readonly failovers: number;
  /** Answers of the leader that had stood still to what was asked meanwhile, and just after. */
  readonly answeredByOld: number;
}

export async function pause(options: {
  readonly seconds: number;
  readonly members: number;
  readonly seed: number;
  readonly pauseMs: number;
  readonly say?: (line: string) => void;
}): Promise<PauseCounts> {
  await using group = await NameserverGroup.found(options.members);
  await using one = group.client();
  await using other = group.client();
  const clients = [one, other].map(({ names }) => new NameRegisters(names));
  const load = await GroupLoad.begin({ clients, seed: options.seed });
  const untilMs = performance.now() + options.seconds * 1000;
  let failovers = 0;
  let answeredByOld = 0;
  do {
    await sleep(load.dice.between(500, 2_000));
    const leader = await group.leader();
    const { pauseMs } = options;
    const pinned = Array.from({ length: PINNED }, (_, i) =>
      askAlone(group, leader, load, FIRST_CLIENT + i, pauseMs),
    );
    load.mark();
    group.signal(leader, "SIGSTOP");
    await load.acknowledgedAgain();
    const { lastFirstMs } = load.progress;
    await sleep(Math.max(0, pauseMs - lastFirstMs));
    group.signal(leader, "SIGCONT");
    for (const answered of await Promise.all(pinned)) answeredByOld += answered;
    await untilBack(group, leader, load);
    failovers++;
    options.say?.(`pause ${failovers}: acknowledged again after ${lastFirstMs} ms`);
  } while (performance.now() < untilMs && load.isWell);
  await load.finish();
  await agree(group, load);
  return { ...load.counts(), failovers, answeredByOld };
}

/** Reads, and sometimes writes, at one nameserver alone; tells how much it answered. */
async function askAlone(
  group: NameserverGroup,
  node: number,
  load: GroupLoad,
  client: number,
  pauseMs: number,
): Promise<number> {
  const dice = new Dice(load.dice.u32());
  const { rpc, names } = group.alone(node, pauseMs + PATIENCE_MS);
  const registers = new NameRegisters(names);
  const untilMs = performance.now() + pauseMs + AFTER_MS;
  await sleep(dice.between(0, pauseMs));
  let answered = 0;
  while (performance.now() < untilMs && !load.isOver) {
    const asked = dice.chance(0.9)
      ? load.shared.readAny(client, registers, dice)
      : load.shared.writeAny(client, registers, dice);
    if (await asked) answered++;
    await sleep(dice.between(1, 20));
  }
  rpc.close();
  return answered;
}
