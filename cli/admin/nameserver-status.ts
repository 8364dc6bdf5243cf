/** How the nameservers of a group stand: as each says of itself, and as the leader sees the others. */
import { QuarryError } from "../../base/errors.ts";
import type { AskLeader } from "../../nameserver/group/ask-leader.ts";
import { type Address, formatAddress, parseAddress } from "../../rpc/address.ts";
import { RpcClient } from "../../rpc/client.ts";
import { connect } from "../../rpc/connect.ts";
import type { MemberPlace, MemberStatus, PeerStatus } from "../../rpc/group-service.ts";
import { groupTable } from "../../rpc/tables.ts";
import { explain } from "../explain.ts";

/** A group that is asked, and how what it answers is told. */
export interface AskedGroup extends Omit<AskLeader, "patienceMs"> {
  readonly json: boolean;
  readonly say: (line: string) => void;
}

export interface Answer {
  readonly address: string;
  readonly status?: MemberStatus;
  readonly error?: string;
}

const DEADLINE_MS = 3_000;
/** Longer than a busy machine is silent between two heartbeats. */
const SILENT_MS = 2_000;

/** Whoever was named, and whoever the others know of. */
export async function askAll(group: AskedGroup): Promise<Answer[]> {
  const named = await Promise.all(group.servers.map((address) => ask(group, address)));
  const known = new Set(named.map(({ address }) => address));
  const others = named
    .flatMap(({ status }) => status?.members ?? [])
    .map(({ address }) => address)
    .filter((address) => !known.has(address));
  const more = [...new Set(others)].map((address) => ask(group, parseAddress(address)));
  return [...named, ...(await Promise.all(more))];
}

/** What the leader of the latest term says; undefined when nobody leads. */
export function leaderOf(answers: readonly Answer[]): MemberStatus | undefined {
  return newest(answers, (status) => status.role === "leader");
}

function newest(
  answers: readonly Answer[],
  counts: (status: MemberStatus) => boolean,
): MemberStatus | undefined {
  return answers
    .flatMap(({ status }) => (status !== undefined && counts(status) ? [status] : []))
    .toSorted((a, b) => b.term - a.term || b.commit - a.commit)[0];
}

export async function status(group: AskedGroup): Promise<void> {
  const answers = await askAll(group);
  if (group.json) for (const answer of answers) group.say(JSON.stringify(answer));
  else for (const line of table(answers)) group.say(line);
  if (answers.every((answer) => answer.status === undefined))
    throw new QuarryError(
      "Unavailable",
      "none of these nameservers told how it stands; above stands why. Are they running? Are --servers and --secret-file right?",
    );
  if (leaderOf(answers) === undefined)
    throw new QuarryError(
      "Unavailable",
      "no nameserver leads. Start those that are missing; when they run, ask again in some seconds",
    );
}

async function ask(group: AskedGroup, address: Address): Promise<Answer> {
  const { secret, tls, clock, random } = group;
  const place = formatAddress(address);
  await using rpc = new RpcClient({
    ...{ address, secret, clock, random, deadlineMs: DEADLINE_MS },
    ...(tls && { tls }),
  });
  try {
    return { address: place, status: await connect(groupTable, rpc).status() };
  } catch (error) {
    return { address: place, error: explain(error) };
  }
}

export function table(answers: readonly Answer[]): string[] {
  const leader = leaderOf(answers);
  // Without a leader: who the members are is known to all of them.
  const view = leader ?? newest(answers, ({ members }) => members.length > 0);
  const members = view?.members ?? [];
  const lines = members.map((member) => {
    const answer = answers.find(({ address }) => address === member.address);
    return memberLine(member, answer, view);
  });
  const listed = new Set(members.map(({ address }) => address));
  const strays = answers.filter(({ address }) => !listed.has(address));
  return [
    leader === undefined
      ? "no leader: nothing can be read or changed until more than half of the voters are there"
      : `nameserver ${leader.node} leads in term ${leader.term}; ${leader.voters.length} voters, ${leader.learners.length} learners`,
    ...lines,
    ...strays.map(strayLine),
  ];
}

function memberLine(
  { node, address, role: wanted }: MemberPlace,
  answer: Answer | undefined,
  view: MemberStatus | undefined,
): string {
  const status = answer?.status?.node === node ? answer.status : undefined;
  const peer = view?.peers.find((one) => one.node === node);
  const isVoter = view?.voters.includes(node) === true;
  const isLearner = view?.learners.includes(node) === true;
  const now = isVoter ? "voter" : isLearner ? "learner" : "not in yet";
  const shall =
    wanted === now ? "" : wanted === "leaving" ? ", is leaving" : `, shall be ${wanted}`;
  const said =
    status === undefined
      ? `no answer${answer?.error === undefined ? "" : `: ${answer.error}`}`
      : `applied ${status.applied}, state ${status.digest}`;
  const marks = [
    view?.role === "leader" && view.node === node ? "leads" : "",
    peer === undefined || view === undefined ? "" : lagOf(peer, view.lastIndex),
    peer?.state === "snapshot" ? "is being sent the state" : "",
    status?.isRecovering === true || peer?.isRecovering === true
      ? "recovering, without a vote"
      : "",
  ].filter((mark) => mark !== "");
  return [`  ${node}  ${address}  ${now}${shall}`, ...marks, said].join("  ");
}

/** How far a silent one is the leader cannot know; a new leader does not even know how far it was. */
function lagOf({ match, silentMs }: PeerStatus, lastIndex: number): string {
  if (silentMs > SILENT_MS) return `not heard for ${Math.round(silentMs / 1000)} s`;
  const entries = lastIndex - match;
  if (entries <= 0 || match === 0) return "";
  return entries === 1 ? "1 entry behind" : `${entries} entries behind`;
}

function strayLine({ address, status, error }: Answer): string {
  if (status === undefined) return `  ${address}  no answer: ${error}`;
  const { node, role, term, applied, digest } = status;
  return `  ${node}  ${address}  ${role} of term ${term}  applied ${applied}, state ${digest}`;
}
