/**
 * Real nameservers at hosts of a private network whose links are cut: the leader from all others, in
 * one direction only, from one of them; or they lose packets, or are slow. Each is healed again.
 *
 *   npm run faults -- partition --seconds 600 --seed 1
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Dice } from "../../raft/testing/dice.ts";
import { NameserverGroup } from "../nameserver-group.ts";
import { askAlone } from "./ask-alone.ts";
import { GroupLoad, type LoadCounts } from "./group-load.ts";
import { isInside, PrivateNetwork, runInside, whyNotPrivate } from "./private-network.ts";
import { NameRegisters } from "./registers.ts";
import { agree, untilBack } from "./watching.ts";

const ASKING_ALONE = 4;
const BURSTS_EVERY_MS = 150;
const LONGEST_BURST_MS = 60;

/** Of one kind of fault, the longest each. */
interface Suffered {
  readonly count: number;
  /** From the cut, and from the healing, to the next acknowledgement. */
  readonly cutMs: number;
  readonly healedMs: number;
}

export interface PartitionCounts extends LoadCounts {
  readonly failovers: number;
  readonly faults: Readonly<Record<string, Suffered>>;
}

export interface PartitionOptions {
  readonly seconds: number;
  readonly members: number;
  readonly seed: number;
  readonly say?: (line: string) => void;
}

interface Scene {
  readonly network: PrivateNetwork;
  readonly leader: number;
  readonly others: readonly number[];
  readonly dice: Dice;
  /** How long the fault lasts. */
  readonly lastsMs: number;
}

/** Each begins a fault; those that do more than cut links return when it is over. */
const faults: Record<string, (scene: Scene) => Promise<void> | void> = {
  "leader cut off": ({ network, leader, others }) => {
    for (const other of others) {
      network.cut(leader, other);
      network.cut(other, leader);
    }
  },
  "leader not heard": ({ network, leader, others }) => {
    for (const other of others) network.cut(leader, other);
  },
  "leader deaf": ({ network, leader, others }) => {
    for (const other of others) network.cut(other, leader);
  },
  "leader and one follower apart": ({ network, leader, others }) => {
    const [other = 0] = others;
    network.cut(leader, other);
    network.cut(other, leader);
  },
  "one follower not heard by the leader": ({ network, leader, others }) =>
    network.cut(others[0] ?? 0, leader),
  "leader not heard by one follower": ({ network, leader, others }) =>
    network.cut(leader, others[0] ?? 0),
  "followers apart": ({ network, others }) => {
    for (const one of others)
      for (const other of others) if (one !== other) network.cut(one, other);
  },
  "bursts of loss everywhere": async ({ network, dice, lastsMs }) => {
    const { nodes } = network;
    for (const endMs = performance.now() + lastsMs; performance.now() < endMs; ) {
      for (const from of nodes)
        for (const to of nodes) if (from !== to && dice.chance(0.5)) network.cut(from, to);
      await sleep(dice.between(1, LONGEST_BURST_MS));
      network.heal();
      await sleep(dice.between(1, BURSTS_EVERY_MS));
    }
  },
  "bad link of the leader": async ({ network, leader, lastsMs }) => {
    network.spoil(leader);
    await sleep(lastsMs);
    network.mend(leader);
  },
};

export async function partition(options: PartitionOptions): Promise<PartitionCounts> {
  const { seconds, members, seed, say = () => undefined } = options;
  if (isInside()) return await inside(options);
  const why = whyNotPrivate();
  if (why !== undefined) throw new Error(why);
  const args = Object.entries({ seconds, members, seed }).flatMap(([name, value]) => [
    `--${name}`,
    String(value),
  ]);
  return (await runInside(["partition", ...args], say)) as PartitionCounts;
}

async function inside(options: PartitionOptions): Promise<PartitionCounts> {
  const { seconds, members, seed, say = () => undefined } = options;
  const network = new PrivateNetwork(members);
  if (!network.hasNetem)
    say("no netem in this kernel: a bad link is a slow one with a short queue");
  await using group = await NameserverGroup.found(members, {
    address: (node) => network.address(node),
    within: (node) => network.within(node),
  });
  await using one = group.client();
  await using other = group.client();
  const clients = [one, other].map(({ names }) => new NameRegisters(names));
  const load = await GroupLoad.begin({ clients, seed });
  const untilMs = performance.now() + seconds * 1000;
  const suffered: Record<string, Suffered> = {};
  let failovers = 0;
  for (let round = 0; performance.now() < untilMs && load.isWell; round++) {
    const names = Object.keys(faults);
    const name = names[round % names.length] ?? "";
    const leader = await group.leader();
    const told = await suffer(name, network, group, load, leader);
    for (const node of group.nodes) await untilBack(group, node, load);
    if ((await group.leader()) !== leader) failovers++;
    const before = suffered[name] ?? { count: 0, cutMs: 0, healedMs: 0 };
    suffered[name] = {
      count: before.count + 1,
      cutMs: Math.max(before.cutMs, told.cutMs),
      healedMs: Math.max(before.healedMs, told.healedMs),
    };
    say(`${name}: acknowledged again ${told.cutMs} ms after it, ${told.healedMs} ms after its end`);
  }
  await load.finish();
  await agree(group, load);
  return { ...load.counts(), failovers, faults: suffered };
}

/** Lets one fault come and go. */
async function suffer(
  name: string,
  network: PrivateNetwork,
  group: NameserverGroup,
  load: GroupLoad,
  leader: number,
): Promise<Omit<Suffered, "count">> {
  const { dice } = load;
  const others = group.nodes.filter((node) => node !== leader);
  if (dice.chance(0.5)) others.reverse();
  await sleep(dice.between(200, 1_000));
  const lastsMs = dice.between(3_000, 6_000);
  const alone = Array.from({ length: ASKING_ALONE }, (_, i) =>
    askAlone(group, leader, load, { client: 100 + i, whileMs: lastsMs }),
  );
  load.mark();
  const endsMs = performance.now() + lastsMs;
  await faults[name]?.({ network, leader, others, dice, lastsMs });
  await load.acknowledgedAgain();
  const cutMs = load.progress.lastFirstMs;
  await sleep(Math.max(0, endsMs - performance.now()));
  load.mark();
  network.heal();
  await load.acknowledgedAgain();
  await Promise.all(alone);
  return { cutMs, healedMs: load.progress.lastFirstMs };
}
