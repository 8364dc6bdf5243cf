/**
 * The leader's work on the group: step by step the configuration becomes what the state says that it
 * shall be. All of it stands in the log, so the next leader goes on where this one stopped.
 */
import type { NodeId } from "../../base/ids.ts";
import { type Configuration, isJoint, isMember, type Members } from "../../raft/configuration.ts";
import type { Status } from "../../raft/raft.ts";
import { formatAddress } from "../../rpc/address.ts";
import type { MemberCommand } from "../command.ts";
import type { MemberRow } from "../rows.ts";
import type { Worker } from "../workers/worker.ts";
import { heirOf, isCaughtUp } from "./heir.ts";
import type { Replica } from "./replica.ts";
import type { Roster } from "./roster.ts";

export type Step =
  | { readonly type: "members"; readonly members: Members }
  | { readonly type: "command"; readonly command: MemberCommand }
  | { readonly type: "transfer"; readonly to: NodeId };

type Rows = ReadonlyMap<NodeId, MemberRow>;

/** What is to be done next; undefined when all is as it shall be, or has to wait. */
export function nextStep(
  status: Pick<Status, "id" | "configuration" | "peers" | "transferTo" | "lastIndex">,
  rows: Rows,
  mayPromote: (node: NodeId) => boolean,
  heir: NodeId | undefined,
): Step | undefined {
  const { id: self, configuration: now } = status;
  if (isJoint(now) || status.transferTo !== undefined) return undefined;
  return (
    admit(now, rows) ??
    promote(now, rows, mayPromote) ??
    replace(now, rows) ??
    forget(now, rows) ??
    release(now, rows, self, heir)
  );
}

const change = (voters: readonly NodeId[], learners: readonly NodeId[]): Step => ({
  type: "members",
  members: { voters, learners },
});

/** Whoever is new begins as a learner, so that nobody waits for what it lacks. */
function admit({ voters, learners }: Configuration, rows: Rows): Step | undefined {
  const isKnown = (node: NodeId) => voters.includes(node) || learners.includes(node);
  const fresh = [...rows].filter(([node, { role }]) => role !== "leaving" && !isKnown(node));
  if (fresh.length === 0) return undefined;
  return change(voters, [...learners, ...fresh.map(([node]) => node)]);
}

function promote(
  { voters, learners }: Configuration,
  rows: Rows,
  mayPromote: (node: NodeId) => boolean,
): Step | undefined {
  const ready = learners.find((node) => rows.get(node)?.role === "voter" && mayPromote(node));
  if (ready === undefined) return undefined;
  const rest = learners.filter((node) => node !== ready);
  return change([...voters, ready], rest);
}

/** The new one is what it shall be: the old one goes. */
function replace({ voters, learners }: Configuration, rows: Rows): Step | undefined {
  for (const [node, { role, replaces }] of rows) {
    const hasCome = (role === "voter" ? voters : learners).includes(node);
    const old = replaces === undefined ? undefined : rows.get(replaces);
    if (replaces === undefined || old === undefined || !hasCome || old.role === "leaving") continue;
    return { type: "command", command: { type: "setMember", node: replaces, role: "leaving" } };
  }
  return undefined;
}

function forget(now: Configuration, rows: Rows): Step | undefined {
  const gone = [...rows].find(([node, { role }]) => role === "leaving" && !isMember(now, node));
  return gone && { type: "command", command: { type: "forgetMember", node: gone[0] } };
}

/** One at a time loses its vote or goes; the leader only after somebody else leads. */
function release(
  { voters, learners }: Configuration,
  rows: Rows,
  self: NodeId,
  heir: NodeId | undefined,
): Step | undefined {
  const leaver = learners.find((node) => rows.get(node)?.role === "leaving");
  if (leaver !== undefined)
    return change(
      voters,
      learners.filter((node) => node !== leaver),
    );
  const loser = voters.find((node) => isNoVoter(rows.get(node)));
  const rest = voters.filter((node) => node !== loser);
  if (loser === undefined || rest.length === 0) return undefined;
  if (loser === self) return heir === undefined ? undefined : { type: "transfer", to: heir };
  return change(rest, rows.get(loser)?.role === "learner" ? [...learners, loser] : learners);
}

const isNoVoter = (row: MemberRow | undefined) => row !== undefined && row.role !== "voter";

/** The leader's turn at it. A change that waits (for one that learns, or recovers) is tried again. */
export function memberWork(group: Replica, roster: Roster, nowMs: () => number): Worker {
  return {
    name: "the members of the group",
    async step() {
      const { status } = group;
      if (roster.roll === undefined) {
        const members = [...roster.addresses].map(([node, address]) => ({
          ...{ node, address: formatAddress(address) },
        }));
        await group.propose({ type: "foundMembers", members });
        return true;
      }
      const mayPromote = (node: NodeId) => isCaughtUp(status, node);
      const step = nextStep(status, roster.rows(), mayPromote, heirOf(status, nowMs()));
      if (step === undefined) return false;
      if (step.type === "members") await group.changeMembers(step.members);
      else if (step.type === "command") await group.propose(step.command);
      else group.transfer(step.to);
      return step.type !== "transfer";
    },
  };
}
