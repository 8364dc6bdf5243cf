/** Changes of the group of nameservers: each is asked of the leader, and waited for. */
import { sleep } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { askLeader } from "../../nameserver/group/ask-leader.ts";
import { formatAddress } from "../../rpc/address.ts";
import type { Admission, MemberStatus } from "../../rpc/group-service.ts";
import { type AskedGroup, askAll, leaderOf } from "./nameserver-status.ts";

const LOOK_MS = 300;

const patient = (group: AskedGroup) => ({ ...group, patienceMs: limits.leaderPatienceMs });

export async function add(group: AskedGroup, admission: Admission): Promise<void> {
  const { node } = await askLeader(patient(group), (leader) => leader.admit(admission));
  const { address, role, replaces } = admission;
  if (group.json) {
    group.say(JSON.stringify({ node, address, role, ...(replaces !== undefined && { replaces }) }));
    return;
  }
  const others = group.servers.map(formatAddress).join(",");
  group.say(`nameserver ${node} may come at ${address}. Start it there, with a folder of its own:
  quarry nameserver --data DIR --join ${others} --listen ${address} --secret-file FILE`);
}

export async function remove(group: AskedGroup, node: NodeId, force: boolean): Promise<void> {
  await askLeader(patient(group), (leader) =>
    leader.changeMember({ node, role: "leaving", force }),
  );
  tell(group, `nameserver ${node} is leaving …`);
  const isGone = ({ members, voters, learners }: MemberStatus) =>
    !voters.includes(node) && !learners.includes(node) && !members.some((one) => one.node === node);
  const leader = await until(group, isGone, `nameserver ${node} is still in the group`);
  done(group, { node, removed: true }, `nameserver ${node} is removed. ${advice(leader)}`);
}

export async function setRole(
  group: AskedGroup,
  node: NodeId,
  role: "voter" | "learner",
  force: boolean,
): Promise<void> {
  await askLeader(patient(group), (leader) => leader.changeMember({ node, role, force }));
  tell(group, `nameserver ${node} shall be a ${role} …`);
  const isThere = ({ voters, learners }: MemberStatus) =>
    (role === "voter" ? voters : learners).includes(node);
  const leader = await until(group, isThere, `nameserver ${node} is no ${role} yet`);
  done(group, { node, role }, `nameserver ${node} is a ${role}. ${advice(leader)}`);
}

export async function transfer(group: AskedGroup, to: NodeId | undefined): Promise<void> {
  const leader = await askLeader(patient(group), (now) => now.transfer(to));
  if (to !== undefined && leader !== to)
    throw new QuarryError("Changed", `nameserver ${leader} leads now, not ${to}; try again`);
  done(group, { leader }, `nameserver ${leader} leads now`);
}

/** The leader goes on by itself, whether anybody waits or not. */
async function until(
  group: AskedGroup,
  holds: (leader: MemberStatus) => boolean,
  otherwise: string,
): Promise<MemberStatus> {
  const untilMs = group.clock.monotonicMs() + limits.groupJoinMs;
  while (group.clock.monotonicMs() < untilMs) {
    const leader = leaderOf(await askAll(group));
    if (leader !== undefined && holds(leader)) return leader;
    await sleep(group.clock, LOOK_MS);
  }
  throw new QuarryError(
    "Timeout",
    `${otherwise}. The leader goes on with it; quarry admin nameserver status tells how far it is`,
  );
}

function advice({ voters }: MemberStatus): string {
  const losable = Math.floor((voters.length - 1) / 2);
  return `${voters.length} ${voters.length === 1 ? "voter is" : "voters are"} left: the group survives the loss of ${losable === 0 ? "none" : losable}`;
}

function tell(group: AskedGroup, line: string): void {
  if (!group.json) group.say(line);
}

function done(group: AskedGroup, what: object, line: string): void {
  group.say(group.json ? JSON.stringify(what) : line);
}
