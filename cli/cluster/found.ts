/** The plan of a cluster that is to be: how many of each kind, in which racks, at which ports. */
import type { Random } from "../../base/random.ts";
import { firstPools, type PoolWishes } from "./first-pools.ts";
import { type ClusterPlan, type Kind, membersOf, nextName, type PlannedMember } from "./plan.ts";
import { drawPort, isFree } from "./ports.ts";

export interface ClusterSize extends PoolWishes {
  readonly nameservers: number;
  readonly dataservers: number;
  readonly racks: number;
  readonly gateways: number;
  /** Of the first gateway; 0: any that is free. */
  readonly port: number;
  readonly diskBytes: number;
}

export async function plannedCluster(size: ClusterSize, random: Random): Promise<ClusterPlan> {
  const pools = firstPools(size, size);
  let plan: ClusterPlan = { diskBytes: size.diskBytes, members: [], pools };
  const grow = async (kind: Kind, wish: Wish) => {
    plan = withMember(plan, await drawn(plan, kind, wish, random));
  };
  for (let n = 0; n < size.nameservers; n++) await grow("nameserver", {});
  for (let n = 0; n < size.dataservers; n++)
    await grow("dataserver", { rack: `rack${(n % size.racks) + 1}` });
  for (let n = 0; n < size.gateways; n++)
    await grow("gateway", n === 0 && size.port !== 0 ? { port: size.port } : {});
  return plan;
}

export interface Wish {
  readonly rack?: string;
  readonly port?: number;
}

/**
 * One more of a kind, in a cluster that was founded: a nameserver joins the others, a dataserver goes
 * where fewest are, if nothing else is wished.
 */
export async function plannedMember(
  plan: ClusterPlan,
  kind: Kind,
  wish: Wish,
  random: Random,
): Promise<PlannedMember> {
  const member = await drawn(plan, kind, wish, random);
  return kind === "nameserver" ? { ...member, joins: true } : member;
}

async function drawn(
  plan: ClusterPlan,
  kind: Kind,
  { rack, port }: Wish,
  random: Random,
): Promise<PlannedMember> {
  const taken = new Set(plan.members.map((member) => member.port));
  const isGiven = port !== undefined && !taken.has(port) && (await isFree(port));
  return {
    ...{ name: nextName(plan, kind), kind, hasBegun: false },
    port: isGiven ? port : await drawPort(random, taken),
    ...(kind === "dataserver" && { rack: rack ?? emptiestRack(plan) }),
  };
}

export const withMember = (plan: ClusterPlan, member: PlannedMember): ClusterPlan => ({
  ...plan,
  members: [...plan.members, member],
});

export const withoutMember = (plan: ClusterPlan, name: string): ClusterPlan => ({
  ...plan,
  members: plan.members.map((one) => (one.name === name ? { ...one, isForgotten: true } : one)),
});

function emptiestRack(plan: ClusterPlan): string {
  const counts = new Map<string, number>();
  for (const { rack = "rack1" } of membersOf(plan, "dataserver"))
    counts.set(rack, (counts.get(rack) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => a - b)[0]?.[0] ?? "rack1";
}
