/**
 * Commands on the members of the group: which nameservers there shall be, and where. They only say
 * what is wanted; the leader changes the configuration of the group until it is so.
 */
import { assert, QuarryError, unreachable } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { AnyResult, MemberCommand } from "../command.ts";
import { keys } from "../keyspace.ts";
import type { MemberRow, RollRow } from "../rows.ts";
import type { ApplyContext } from "./context.ts";

type Of<Type extends MemberCommand["type"]> = Extract<MemberCommand, { type: Type }>;
type Rows = ApplyContext["rows"];

export function applyMembers({ rows }: ApplyContext, command: MemberCommand): AnyResult {
  switch (command.type) {
    case "foundMembers":
      return foundMembers(rows, command);
    case "admitMember":
      return { type: "member", node: admitMember(rows, command) };
    case "setMember":
      return setMember(rows, command);
    case "forgetMember":
      return forgetMember(rows, command);
    default:
      return unreachable(command);
  }
}

const ROLES: readonly MemberRow["role"][] = ["voter", "learner", "leaving"];
const TEXT_CHARACTERS = 300;

const refuse = (message: string) => new QuarryError("InvalidArgument", message);

function foundMembers(rows: Rows, { members }: Of<"foundMembers">): AnyResult {
  if (rows.get(keys.roll()) !== undefined) return { type: "done" };
  const nodes = members.map(({ node }) => node).toSorted((a, b) => a - b);
  rows.put(keys.roll(), { next: Math.max(...nodes) + 1, nodes });
  for (const { node, address } of members)
    rows.put(keys.member(node), { address, role: "voter", token: `founder ${node}` });
  return { type: "done" };
}

function admitMember(rows: Rows, command: Of<"admitMember">): NodeId {
  const { address, role, token, replaces } = command;
  checkText(address, token);
  if (role !== "voter" && role !== "learner") throw refuse("who comes is a voter or a learner");
  const roll = rollOf(rows);
  const known = roll.nodes.map((node) => ({ node, row: memberOf(rows, node) }));
  if (token !== undefined) {
    const same = known.find(({ row }) => row.token === token);
    if (same !== undefined) return same.node;
    const reserved = known.find(({ row }) => isReservedFor(row, address));
    if (reserved !== undefined) {
      rows.put(keys.member(reserved.node), { ...reserved.row, token });
      return reserved.node;
    }
  }
  const taken = known.find(({ node, row }) => row.address === address && node !== replaces);
  if (taken !== undefined && taken.row.role !== "leaving")
    throw refuse(
      `nameserver ${taken.node} is at ${address}. If it lost its folder, join with --replace ${taken.node}`,
    );
  if (replaces !== undefined && !roll.nodes.includes(replaces))
    throw refuse(`there is no nameserver ${replaces} to replace`);
  if (roll.nodes.length >= limits.raftMembers)
    throw refuse(`a group has at most ${limits.raftMembers} nameservers; remove one first`);
  const node = roll.next as NodeId;
  rows.put(keys.roll(), { next: node + 1, nodes: [...roll.nodes, node] });
  rows.put(keys.member(node), {
    ...{ address, role },
    ...(token !== undefined && { token }),
    ...(replaces !== undefined && { replaces }),
  });
  return node;
}

/** They stand in the state for good, and are read at every start. */
function checkText(...texts: readonly (string | undefined)[]): void {
  for (const text of texts)
    if (text !== undefined && (typeof text !== "string" || text.length > TEXT_CHARACTERS))
      throw refuse(`an address, or a token, is a text of at most ${TEXT_CHARACTERS} characters`);
}

/** A number was given for this address before anybody came for it. */
function isReservedFor(row: MemberRow, address: string): boolean {
  return row.token === undefined && row.role !== "leaving" && row.address === address;
}

function setMember(rows: Rows, { node, role, address }: Of<"setMember">): AnyResult {
  checkText(address);
  if (role !== undefined && !ROLES.includes(role))
    throw refuse(`a member is one of ${ROLES.join(", ")}`);
  const roll = rollOf(rows);
  if (!roll.nodes.includes(node))
    throw refuse(`there is no nameserver ${node} (there are ${roll.nodes.join(", ")})`);
  const row = memberOf(rows, node);
  if (row.role === "leaving" && role !== "leaving")
    throw refuse(`nameserver ${node} is leaving; its number never comes back`);
  const isVoter = (one: NodeId) => memberOf(rows, one).role === "voter";
  if (role !== undefined && role !== "voter" && row.role === "voter")
    if (!roll.nodes.some((one) => one !== node && isVoter(one)))
      throw refuse(`nameserver ${node} is the last voter: without it there is no group`);
  rows.put(keys.member(node), {
    ...row,
    ...(role !== undefined && { role }),
    ...(address !== undefined && { address }),
  });
  return { type: "done" };
}

function forgetMember(rows: Rows, { node }: Of<"forgetMember">): AnyResult {
  const { next, nodes } = rollOf(rows);
  if (!nodes.includes(node) || memberOf(rows, node).role !== "leaving") return { type: "done" };
  rows.put(keys.roll(), { next, nodes: nodes.filter((one) => one !== node) });
  rows.delete(keys.member(node));
  return { type: "done" };
}

function rollOf(rows: Rows): RollRow {
  const roll = rows.get(keys.roll());
  if (roll === undefined)
    throw new QuarryError("Unavailable", "the group is only just founded; try again in a moment");
  return roll;
}

function memberOf(rows: Rows, node: NodeId): MemberRow {
  const row = rows.get(keys.member(node));
  assert(row !== undefined, "every number on the roll has its row");
  return row;
}
