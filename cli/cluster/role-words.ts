/** The command line of each member, as somebody would type it who started it by hand. */
import { dataOf, pathsOf } from "./folder.ts";
import { addressOf, type ClusterPlan, membersOf, numberOf, type PlannedMember } from "./plan.ts";

export function wordsOf(plan: ClusterPlan, member: PlannedMember, directory: string): string[] {
  const { kind, name, port, rack } = member;
  const secret = ["--secret-file", pathsOf(directory).secret];
  const nameservers = ["--nameservers", serversOf(plan)];
  const data = ["--data", dataOf(directory, name)];
  switch (kind) {
    case "nameserver":
      return [kind, ...data, ...secret, ...beginning(plan, member)];
    case "dataserver":
      return [
        ...[kind, ...data, "--listen", addressOf(member), "--location", `${rack}/${name}`],
        ...["--capacity", String(plan.diskBytes), ...nameservers, ...secret],
      ];
    case "gateway":
      return [kind, "--port", String(port), ...nameservers, ...secret];
  }
}

/** Of all nameservers that have been part of the group, or found it. */
export function serversOf(plan: ClusterPlan): string {
  return membersOf(plan, "nameserver")
    .filter(({ hasBegun, joins }) => hasBegun || joins !== true)
    .map(addressOf)
    .join(",");
}

/** From its second start on a nameserver's folder knows its place. */
function beginning(plan: ClusterPlan, member: PlannedMember): string[] {
  if (member.hasBegun) return [];
  if (member.joins === true) return ["--join", serversOf(plan), "--listen", addressOf(member)];
  const founders = membersOf(plan, "nameserver").filter(({ joins }) => joins !== true);
  const peers = founders.map((one) => `${numberOf(one)}=${addressOf(one)}`).join(",");
  return ["--found", "--node", String(numberOf(member)), "--peers", peers];
}
