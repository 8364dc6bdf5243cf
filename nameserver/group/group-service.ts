/** What a nameserver answers to the others of its group, and to those who look after it. */
import { type Clock, sleep } from "../../base/clock.ts";
import { assert, QuarryError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { FIRST_LEVEL, SOFTWARE_VERSION } from "../../base/version.ts";
import type { Message } from "../../raft/message.ts";
import { parseAddress } from "../../rpc/address.ts";
import type {
  Admission,
  GroupService,
  MemberChange,
  MemberPlace,
  MemberStatus,
} from "../../rpc/group-service.ts";
import { NotLeader } from "../../rpc/not-leader.ts";
import { levelOf } from "../levels.ts";
import { heirOf, reachable, SILENT_MS } from "./heir.ts";
import type { HeldAnswers } from "./held-answers.ts";
import { decodeMessages, encodeMessages } from "./message-codec.ts";
import type { Replica } from "./replica.ts";
import type { Roster } from "./roster.ts";

const LOOK_MS = 10;

export function groupService(
  replica: Replica,
  roster: Roster,
  answers: HeldAnswers,
  clock: Clock,
): GroupService {
  const lead = () => {
    if (!replica.isLeader) throw notLeader(replica, roster);
  };
  const receive = (messages: readonly Message[]) => {
    for (const message of messages) replica.receive(message);
  };
  /** What is for somebody else was sent by one who has another idea of who is where. */
  const meant = (batch: Uint8Array) => {
    const { id } = replica.status;
    return decodeMessages(batch).filter(({ to }) => to === id);
  };
  return {
    deliver: async (batch) => receive(meant(batch)),
    exchange: async (batch) => {
      const messages = meant(batch);
      const held = answers.hold(messages);
      receive(messages);
      const answer = await held;
      return answer.length === 0
        ? { kind: "nothing" }
        : { kind: "messages", batch: encodeMessages(answer) };
    },
    status: async () => statusOf(replica, roster, clock),
    admit: async (admission) => {
      lead();
      const node = await admit(replica, admission);
      return { node, members: places(roster) };
    },
    changeMember: async (change) => {
      lead();
      await changeMember(replica, roster, clock, change);
    },
    transfer: async (to) => {
      lead();
      return await transfer(replica, clock, to);
    },
  };
}

/** Says who leads, and where that is. */
export function notLeader(replica: Replica, roster: Pick<Roster, "addressOf">): NotLeader {
  const node = replica.leader;
  const address = roster.addressOf(node);
  if (node === undefined || address === undefined)
    return new NotLeader("the nameservers have no leader now; try again", undefined);
  return new NotLeader(`nameserver ${node} at ${address} leads; ask there`, { node, address });
}

async function admit(replica: Replica, admission: Admission): Promise<NodeId> {
  const { address, role, token, replaces } = admission;
  checkPlace(address);
  if (token !== undefined) checkKnows(replica, admission);
  const result = await replica.propose({
    ...{ type: "admitMember", address, role },
    ...(token !== undefined && { token }),
    ...(replaces !== undefined && { replaces }),
  });
  assert(result.type === "member", "who is admitted gets a number");
  return result.node;
}

/** Whoever comes with a folder must understand the log. */
function checkKnows({ state }: Replica, { level = FIRST_LEVEL }: Admission): void {
  const needed = levelOf(state);
  if (level < needed)
    throw new QuarryError(
      "InvalidArgument",
      `this group works at level ${needed}, and the nameserver that wants to join knows level ${level}: install the version that the others run (${SOFTWARE_VERSION})`,
    );
}

async function changeMember(
  replica: Replica,
  roster: Roster,
  clock: Clock,
  { node, role, address, force }: MemberChange,
): Promise<void> {
  if (address !== undefined) checkPlace(address);
  if (role !== undefined && role !== "voter" && force !== true)
    await checkMajority(replica, roster, clock, node);
  await replica.propose({
    ...{ type: "setMember", node },
    ...(role !== undefined && { role }),
    ...(address !== undefined && { address }),
  });
}

/**
 * The group must be able to decide without the one that goes. Who was heard before may have died since,
 * so only those count that are heard from now on.
 */
async function checkMajority(
  replica: Replica,
  roster: Roster,
  clock: Clock,
  node: NodeId,
): Promise<void> {
  const rows = roster.rows();
  const { voters } = replica.status.configuration;
  if (!voters.includes(node)) return;
  const left = voters.filter((one) => one !== node && rows.get(one)?.role === "voter");
  // That the last one stays is judged where the change is applied.
  if (left.length === 0) return;
  const askedMs = clock.monotonicMs();
  const heard = () => reachable(replica.status, left, askedMs);
  const isEnough = () => heard().length > left.length / 2;
  while (!isEnough() && clock.monotonicMs() - askedMs < SILENT_MS) await sleep(clock, LOOK_MS);
  if (isEnough()) return;
  const there = heard();
  const missing = left.filter((one) => !there.includes(one));
  throw new QuarryError(
    "InvalidArgument",
    `without nameserver ${node} ${left.length} voters are left, of which ${missing.join(", ")} ${missing.length === 1 ? "does" : "do"} not answer: no majority, and the group would stand still. Bring ${missing.join(", ")} back or remove ${missing.length === 1 ? "it" : "them"} first; --force does it all the same`,
  );
}

async function transfer(replica: Replica, clock: Clock, to: NodeId | undefined): Promise<NodeId> {
  const before = replica.status;
  const heir = to ?? heirOf(before, clock.monotonicMs());
  if (heir === undefined)
    throw new QuarryError("Unavailable", "there is no other voter that answers");
  if (heir === before.id) return heir;
  if (!before.configuration.voters.includes(heir))
    throw new QuarryError("InvalidArgument", `nameserver ${heir} is no voter: it cannot lead`);
  if (before.peers.some(({ id, isRecovering }) => id === heir && isRecovering))
    throw new QuarryError("InvalidArgument", `nameserver ${heir} has no vote until it recovers`);
  const untilMs = clock.monotonicMs() + limits.groupHandOverMs;
  while (clock.monotonicMs() < untilMs) {
    if (replica.isLeader && replica.status.transferTo === undefined) replica.transfer(heir);
    if (!replica.isLeader && replica.leader !== undefined) return replica.leader;
    await sleep(clock, LOOK_MS);
  }
  throw new QuarryError("Timeout", `nameserver ${heir} did not take over; is it there?`);
}

/** Only what others can reach. */
function checkPlace(address: string): void {
  const place = parseAddress(address);
  if ("path" in place || place.port === 0 || place.host === "0.0.0.0" || place.host === "::")
    throw new QuarryError(
      "InvalidArgument",
      `${address} is no address that the other nameservers could reach; give one with --address`,
    );
}

function places(roster: Roster): MemberPlace[] {
  return [...roster.rows()].map(([node, { address, role }]) => ({ node, address, role }));
}

function statusOf(replica: Replica, roster: Roster, clock: Clock): MemberStatus {
  const { status, applied, digest, receivedBytes } = replica;
  const { id, role, term, leader, commit, lastIndex, configuration, peers } = status;
  const nowMs = clock.monotonicMs();
  return {
    node: id,
    ...{ role, term, leader, commit, lastIndex, applied, receivedBytes },
    digest: [digest.a, digest.b].map((half) => half.toString(16)).join("-"),
    voters: configuration.voters,
    learners: configuration.learners,
    isRecovering: status.mustNotVote,
    members: places(roster),
    nextNode: roster.roll?.next ?? 0,
    ...{ level: roster.knows, version: SOFTWARE_VERSION, groupLevel: levelOf(replica.state) },
    peers: peers.map(({ id: node, match, state, contactMs, isRecovering }) => ({
      ...{ node, match, state, isRecovering },
      silentMs: Math.max(0, Math.round(nowMs - contactMs)),
    })),
  };
}
