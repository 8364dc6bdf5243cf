/** How faults of a group begin and end: a group, two clients, a load; the fault, until the time is over. */
import { type GroupPlaces, NameserverGroup } from "../nameserver-group.ts";
import { GroupLoad, type LoadCounts } from "./group-load.ts";
import { NameRegisters } from "./registers.ts";
import { agree } from "./watching.ts";

/** What every fault is told. */
export interface FaultOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly say?: (line: string) => void;
}

export interface GroupFaultOptions extends FaultOptions {
  readonly members: number;
}

export interface Scene {
  readonly group: NameserverGroup;
  readonly load: GroupLoad;
  /** From 0. */
  readonly round: number;
}

/** Lets the fault happen again and again, once at least; each `suffer` ends when all is well again. */
export async function underLoad(
  { seconds, members, seed }: GroupFaultOptions,
  places: GroupPlaces,
  suffer: (scene: Scene) => Promise<void>,
): Promise<LoadCounts> {
  await using group = await NameserverGroup.found(members, places);
  await using one = group.client();
  await using other = group.client();
  const clients = [one, other].map(({ names }) => new NameRegisters(names));
  const load = await GroupLoad.begin({ clients, seed });
  const untilMs = performance.now() + seconds * 1000;
  for (let round = 0; round === 0 || (performance.now() < untilMs && load.isWell); round++)
    await suffer({ group, load, round });
  await load.finish();
  await agree(group, load);
  return load.counts();
}

/** The leader and a follower in turns. */
export async function victimOf({ group, round }: Scene): Promise<{
  readonly leader: number;
  readonly node: number;
  readonly isLeader: boolean;
}> {
  const leader = await group.leader();
  const isLeader = round % 2 === 0;
  const node = isLeader ? leader : (group.nodes.find((one) => one !== leader) ?? leader);
  return { leader, node, isLeader };
}

/** How a victim of {@link victimOf} is told of. */
export const sayAgain = (isLeader: boolean, { progress }: GroupLoad): string =>
  `${isLeader ? "leader" : "follower"}: acknowledged again after ${progress.lastFirstMs} ms`;
