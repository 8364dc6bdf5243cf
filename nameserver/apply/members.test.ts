import { expect, test } from "vitest";
import type { LogIndex, NodeId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { MemberCommand } from "../command.ts";
import { keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import { MemoryState } from "../state-memory.ts";
import { Transaction } from "../transaction.ts";
import { ApplyContext } from "./context.ts";
import { applyMembers } from "./members.ts";

const node = (id: number) => id as NodeId;

/** Applies commands one after the other to a state of its own. */
function group() {
  const store = new MemoryState();
  const transaction = new Transaction(store);
  let index = 0;
  const run = (command: MemberCommand) => {
    try {
      const result = applyMembers(new ApplyContext(transaction, ++index as LogIndex, 1), command);
      transaction.accept();
      return result;
    } catch (error) {
      transaction.refuse();
      throw error;
    }
  };
  const rows = async () => {
    await store.write(transaction.finish({ a: 0, b: 0 }).changes);
    return read(store, keys.roll());
  };
  const found = () =>
    run({
      type: "foundMembers",
      members: [1, 2].map((id) => ({ node: node(id), address: `host:${id}` })),
    });
  return { run, rows, found, store };
}

const admit = (address: string, more: object = {}): MemberCommand => ({
  ...{ type: "admitMember", address, role: "voter", ...more },
});

test("before the group is founded nobody is let in, and it is founded once", async () => {
  const { run, found, rows } = group();
  expect(() => run(admit("host:9"))).toThrow(/only just founded/);
  found();
  run({ type: "foundMembers", members: [{ node: node(7), address: "host:7" }] });
  expect(await rows()).toEqual({ next: 3, nodes: [1, 2] });
});

test("a number is given once, and to the same folder the same again", () => {
  const { run, found } = group();
  found();
  const first = admit("host:3", { token: "first" });
  expect(run(first)).toEqual({ type: "member", node: 3 });
  expect(run(first)).toEqual({ type: "member", node: 3 });
  expect(run(admit("host:4", { token: "second" }))).toEqual({ type: "member", node: 4 });
  run({ type: "setMember", node: node(4), role: "leaving" });
  run({ type: "forgetMember", node: node(4) });
  expect(run(admit("host:4", { token: "third" }))).toEqual({ type: "member", node: 5 });
});

test("a number that was kept for an address goes to the folder that comes for it", () => {
  const { run, found } = group();
  found();
  expect(run(admit("host:3", { role: "learner" }))).toEqual({ type: "member", node: 3 });
  expect(run(admit("host:3", { token: "first" }))).toEqual({ type: "member", node: 3 });
  expect(() => run(admit("host:3", { token: "other" }))).toThrow(/nameserver 3 is at host:3/);
});

test("an address is taken until its nameserver is replaced", () => {
  const { run, found } = group();
  found();
  expect(() => run(admit("host:2", { token: "new" }))).toThrow(/join with --replace 2/);
  const replacing = admit("host:2", { token: "new", replaces: 2 });
  expect(run(replacing)).toEqual({ type: "member", node: 3 });
  expect(() => run(admit("host:8", { token: "x", replaces: 8 }))).toThrow(/no nameserver 8/);
});

test("the last voter stays, who leaves does not come back, and only who leaves is forgotten", async () => {
  const { run, found, rows } = group();
  found();
  run({ type: "forgetMember", node: node(2) });
  run({ type: "setMember", node: node(2), role: "learner" });
  expect(() => run({ type: "setMember", node: node(1), role: "leaving" })).toThrow(/last voter/);
  run({ type: "setMember", node: node(2), role: "leaving" });
  expect(() => run({ type: "setMember", node: node(2), role: "voter" })).toThrow(/is leaving/);
  expect(() => run({ type: "setMember", node: node(5), role: "voter" })).toThrow(/are 1, 2/);
  expect(await rows()).toEqual({ next: 3, nodes: [1, 2] });
  run({ type: "forgetMember", node: node(2) });
  expect(await rows()).toEqual({ next: 3, nodes: [1] });
});

test("there is a most", () => {
  const { run, found } = group();
  found();
  for (let n = 3; n <= limits.raftMembers; n++) run(admit(`host:${n}`, { token: `${n}` }));
  expect(() => run(admit("host:99", { token: "99" }))).toThrow(/at most 32/);
});

test("nothing of the wrong shape gets into the state", async () => {
  const { run, found, rows } = group();
  found();
  const before = await rows();
  const strange = ["king", "leaving", 7, {}, null, "x".repeat(1_000)] as unknown as never[];
  for (const value of strange) {
    if (value !== "leaving")
      expect(() => run({ type: "setMember", node: node(2), role: value })).toThrow(/is one of/);
    expect(() => run(admit("host:5", { role: value }))).toThrow(/voter or a learner/);
  }
  for (const value of strange.slice(2)) {
    expect(() => run({ type: "setMember", node: node(2), address: value })).toThrow(/a text/);
    expect(() => run(admit("host:5", { token: value }))).toThrow(/a text/);
  }
  expect(await rows()).toEqual(before);
});
