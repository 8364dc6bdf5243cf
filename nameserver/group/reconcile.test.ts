import { expect, test } from "vitest";
import type { NodeId } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import {
  beginChange,
  type Configuration,
  completeChange,
  configurationOf,
  isJoint,
} from "../../raft/configuration.ts";
import type { MemberRow } from "../rows.ts";
import { nextStep, type Step } from "./reconcile.ts";

const nodes = (...ids: number[]) => ids as NodeId[];
const row = (role: MemberRow["role"], replaces?: number): MemberRow => ({
  ...{ address: "host:1", role },
  ...(replaces !== undefined && { replaces: replaces as NodeId }),
});

function next(
  configuration: Configuration,
  rows: Record<number, MemberRow>,
  more: { readonly self?: number; readonly ready?: readonly number[]; readonly heir?: number } = {},
): Step | undefined {
  const id = (more.self ?? 1) as NodeId;
  const map = new Map(Object.entries(rows).map(([node, one]) => [Number(node) as NodeId, one]));
  const status = { id, configuration, peers: [], transferTo: undefined, lastIndex: 9 as never };
  const heir = more.heir as NodeId | undefined;
  return nextStep(status, map, (node) => more.ready?.includes(node) === true, heir);
}

const of = (voters: number[], learners: number[] = []) =>
  configurationOf({ voters: nodes(...voters), learners: nodes(...learners) });
const members = (voters: number[], learners: number[] = []): Step => ({
  type: "members",
  members: { voters: nodes(...voters), learners: nodes(...learners) },
});

test("who is new learns first, and votes when it has caught up", () => {
  const rows = { 1: row("voter"), 2: row("voter"), 4: row("voter"), 5: row("learner") };
  expect(next(of([1, 2]), rows)).toEqual(members([1, 2], [4, 5]));
  expect(next(of([1, 2], [4, 5]), rows)).toBeUndefined();
  expect(next(of([1, 2], [4, 5]), rows, { ready: [4, 5] })).toEqual(members([1, 2, 4], [5]));
  expect(next(of([1, 2, 4], [5]), rows, { ready: [5] })).toBeUndefined();
});

test("who is replaced goes when the new one votes, and not before", () => {
  const rows = { 1: row("voter"), 2: row("voter"), 3: row("voter", 2) };
  expect(next(of([1, 2], [3]), rows)).toBeUndefined();
  expect(next(of([1, 2, 3]), rows)).toEqual({
    type: "command",
    command: { type: "setMember", node: 2, role: "leaving" },
  });
  const leaving = { ...rows, 2: row("leaving") };
  expect(next(of([1, 2, 3]), leaving)).toEqual(members([1, 3]));
  expect(next(of([1, 3]), leaving)).toEqual({
    type: "command",
    command: { type: "forgetMember", node: 2 },
  });
  expect(next(of([1, 3]), { 1: row("voter"), 3: row("voter", 2) })).toBeUndefined();
});

test("a leader that leaves hands over first, and the last voter stays", () => {
  const rows = { 1: row("leaving"), 2: row("voter") };
  expect(next(of([1, 2]), rows, { heir: 2 })).toEqual({ type: "transfer", to: 2 });
  expect(next(of([1, 2]), rows)).toBeUndefined();
  expect(next(of([1, 2]), rows, { self: 2 })).toEqual(members([2]));
  expect(next(of([1]), { 1: row("leaving") }, { heir: 2 })).toBeUndefined();
});

test("whatever is wanted comes about, in few steps, and there is always a voter", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededRandom(seed);
    const draw = (below: number) => random.u32() % below;
    const roles = ["voter", "learner", "leaving"] as const;
    const rows: Record<number, MemberRow> = {};
    for (let id = 1; id <= 6; id++)
      if (draw(4) > 0)
        rows[id] = row(roles[draw(3)] ?? "voter", draw(3) === 0 ? draw(6) : undefined);
    const stays = 1 + draw(6);
    rows[stays] = row("voter");
    let now = of([stays, ...[7, 8].filter(() => draw(2) === 0)], []);
    let self = stays;
    for (let step = 0; ; step++) {
      expect(step).toBeLessThan(40);
      const ready = [1, 2, 3, 4, 5, 6];
      const heir = now.voters.find((node) => node !== self);
      const todo = next(now, rows, { self, ready, ...(heir !== undefined && { heir }) });
      if (todo === undefined) break;
      if (todo.type === "transfer") self = todo.to;
      else if (todo.type === "members") {
        now = beginChange(now, todo.members);
        if (isJoint(now)) expect(next(now, rows, { self, ready })).toBeUndefined();
        now = isJoint(now) ? completeChange(now) : now;
      } else if (todo.command.type === "forgetMember") delete rows[todo.command.node];
      else if (todo.command.type === "setMember") rows[todo.command.node] = row("leaving");
      expect(now.voters.length).toBeGreaterThan(0);
    }
    for (const [id, { role }] of Object.entries(rows)) {
      const list = role === "voter" ? now.voters : now.learners;
      expect(list).toContain(Number(id));
    }
  }
});
