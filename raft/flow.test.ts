/** Nothing grows without bound: who is too fast is told so. */
import { describe, expect, test } from "vitest";
import type { LogIndex, NodeId, Term } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { configurationOf } from "./configuration.ts";
import { emptyState } from "./entry.ts";
import type { Message, MessageOf } from "./message.ts";
import type { Outputs } from "./outputs.ts";
import { Raft } from "./raft.ts";
import { defaultSettings } from "./settings.ts";

const [me, second, third] = [1, 2, 3] as [NodeId, NodeId, NodeId];
const term = 1 as Term;
const now = { steadyMs: 0, wallMs: 0 };

function start(
  appendBytes: number = limits.raftAppendBytes,
  retainBytes?: number,
  random: () => number = () => 0,
): Raft {
  const state = emptyState(configurationOf({ voters: [me, second, third], learners: [] }));
  return new Raft({
    ...{ id: me, state, base: state, entries: [], hardState: undefined, nowMs: 0 },
    settings: {
      ...defaultSettings,
      appendBytes,
      retainBytes: retainBytes ?? defaultSettings.retainBytes,
    },
    random,
  });
}

/** Takes everything, with a disk that is done at once. */
function takeAll(raft: Raft): { sent: Message[]; outputs: Outputs[] } {
  const sent: Message[] = [];
  const outputs: Outputs[] = [];
  for (let o = raft.take(); o !== undefined; o = raft.take()) {
    outputs.push(o);
    sent.push(...o.send, ...(o.persist?.thenSend ?? []));
    if (o.persist !== undefined)
      raft.step(now, { type: "persisted", sequence: o.persist.sequence });
  }
  return { sent, outputs };
}

const hear = (raft: Raft, message: Message) => raft.step(now, { type: "message", message });

/** A leader whose first entry both others hold. */
function lead(appendBytes?: number, retainBytes?: number): Raft {
  const raft = start(appendBytes, retainBytes);
  raft.step(now, { type: "campaign" });
  takeAll(raft);
  hear(raft, { type: "preVoteReply", from: second, to: me, term, granted: true });
  takeAll(raft);
  hear(raft, { type: "voteReply", from: second, to: me, term, granted: true });
  takeAll(raft);
  for (const from of [second, third])
    hear(raft, { type: "appended", from, to: me, term, index: 1 as LogIndex });
  takeAll(raft);
  expect(raft.status).toMatchObject({ role: "leader", commit: 1 });
  return raft;
}

function follow(random?: () => number): Raft {
  const raft = start(limits.raftAppendBytes, undefined, random);
  const heartbeat = { type: "heartbeat", commit: 0 as LogIndex, round: 1, sentMs: 0 } as const;
  hear(raft, { ...heartbeat, from: second, to: me, term, recovery: undefined });
  takeAll(raft);
  return raft;
}

function propose(raft: Raft, id: number, dataBytes: number): void {
  const data = Buffer.alloc(dataBytes);
  raft.step(now, { type: "propose", proposal: { id, session: 0, sequence: 0, data } });
}

const reasons = (outputs: readonly Outputs[]) =>
  outputs.flatMap(({ refused }) => refused.map(({ reason }) => reason));
const appendsTo = (to: NodeId, sent: readonly Message[]) =>
  sent.filter((m): m is MessageOf<"append"> => m.type === "append" && m.to === to);

describe("a leader", () => {
  test("takes so many bytes that are not decided, and more when they are", () => {
    const raft = lead();
    const count = limits.raftUncommittedBytes / limits.commandBytes;
    for (let id = 0; id < count + 3; id++) propose(raft, id, limits.commandBytes);
    const { outputs } = takeAll(raft);
    expect(reasons(outputs).length).toBeGreaterThanOrEqual(3);
    expect(new Set(reasons(outputs))).toEqual(new Set(["busy"]));
    const index = raft.status.lastIndex;
    hear(raft, { type: "appended", from: second, to: me, term, index });
    propose(raft, 99, limits.commandBytes);
    expect(reasons(takeAll(raft).outputs)).toEqual([]);
  });

  test("takes so many entries that are not decided", () => {
    const raft = lead();
    for (let id = 0; id < limits.raftUncommittedEntries + 5; id++) propose(raft, id, 1);
    expect(reasons(takeAll(raft).outputs)).toEqual(Array(5).fill("busy"));
  });

  test("takes no more while its owner cannot write", () => {
    const raft = lead();
    for (let id = 0; id < limits.raftPersists; id++) {
      propose(raft, id, 1);
      raft.take();
    }
    propose(raft, 0, 1);
    expect(raft.take()?.refused).toMatchObject([{ reason: "busy" }]);
  });

  test("sends appends ahead of their answers, but only so many", () => {
    const raft = lead(1000);
    for (let id = 0; id < 500; id++) propose(raft, id, 200);
    const first = appendsTo(second, takeAll(raft).sent);
    expect(first.length).toBe(limits.raftInflightAppends);
    for (const { entries } of first) expect(entries.length).toBeLessThanOrEqual(3);
    expect(first.map(({ previousIndex }) => previousIndex)).toEqual(first.map((_, i) => 1 + 3 * i));
    hear(raft, { type: "appended", from: second, to: me, term, index: 7 as LogIndex });
    expect(appendsTo(second, takeAll(raft).sent).length).toBe(2);
  });

  test("has only so many bytes under way to one follower", () => {
    const raft = lead();
    for (let id = 0; id < 30; id++) propose(raft, id, limits.commandBytes);
    const { sent } = takeAll(raft);
    const bytes = appendsTo(second, sent)
      .flatMap(({ entries }) => entries)
      .reduce((sum, { data }) => sum + data.length, 0);
    expect(bytes).toBe(limits.raftInflightBytes);
  });

  test("turns to a snapshot when all that is under way was lost and then forgotten", () => {
    const raft = lead(140, 0);
    for (let id = 0; id < limits.raftInflightAppends + 50; id++) propose(raft, id, 1);
    takeAll(raft);
    for (let acks = 0; acks < 3; acks++) {
      const index = raft.status.lastIndex;
      hear(raft, { type: "appended", from: second, to: me, term, index });
      takeAll(raft);
    }
    raft.step(now, { type: "compact", index: raft.status.commit });
    expect(raft.status.baseIndex).toBe(raft.status.lastIndex);
    const reply = { type: "heartbeatReply", from: third, to: me, term, sentMs: 0 } as const;
    for (const round of [1, 2]) hear(raft, { ...reply, round, recovering: 0 });
    const tasks = takeAll(raft).outputs.flatMap(({ snapshots }) => snapshots);
    expect(tasks).toMatchObject([{ type: "read", to: third, offset: 0 }]);
  });

  test("keeps no state at rest for a member that is dead, and sends it one when it is heard", () => {
    const raft = lead(140, 0);
    for (let id = 0; id < 50; id++) propose(raft, id, 1);
    takeAll(raft);
    const at = (steadyMs: number) => ({ steadyMs, wallMs: 0 });
    const index = raft.status.lastIndex;
    hear(raft, { type: "appended", from: second, to: me, term, index });
    takeAll(raft);
    raft.step(now, { type: "compact", index: raft.status.commit });
    raft.step(now, { type: "unreachable", node: third });
    const reply = { type: "heartbeatReply", to: me, term, recovering: 0 } as const;
    /** Time passes, in which these answer. */
    const live = (fromMs: number, toMs: number, ids: readonly NodeId[]) => {
      const tasks: string[] = [];
      for (let ms = fromMs; ms < toMs; ms += 100) {
        for (const from of ids)
          raft.step(at(ms), {
            type: "message",
            message: { ...reply, from, round: ms, sentMs: ms },
          });
        raft.step(at(ms), { type: "tick" });
        for (const task of takeAll(raft).outputs.flatMap(({ snapshots }) => snapshots)) {
          tasks.push(task.type);
          if (task.type !== "read") continue;
          const { configuration, commit } = raft.status;
          const head = { index: commit, term, timeMs: 0, configuration };
          const bytes = Buffer.alloc(1);
          const piece = { id: 7, head, offset: 0, bytes, last: false };
          raft.step(at(ms), { type: "snapshotPiece", to: third, piece });
        }
      }
      return tasks;
    };
    expect(live(0, 10_000, [second])).toContain("read");
    const silent = live(10_000, 60_000, [second]);
    expect(silent.filter((type) => type === "release")).toEqual(["release"]);
    expect(silent.at(-1)).toBe("release");
    expect(live(60_000, 61_000, [second, third])).toContain("read");
  });

  test("keeps only so many reads waiting", () => {
    const raft = lead();
    for (let id = 0; id < limits.raftReads + 2; id++) raft.step(now, { type: "read", id });
    const { outputs } = takeAll(raft);
    expect(outputs.flatMap(({ failedReads }) => failedReads).length).toBe(2);
  });
});

describe("what a leader decided", () => {
  const data = Buffer.alloc(1);
  const proposal = { id: 1, session: 0, sequence: 0, data };
  const given = (raft: Raft, within: number) => {
    raft.step(now, { type: "propose", proposal, within: within as Term });
    const { sent, outputs } = takeAll(raft);
    const accepted = outputs.flatMap((one) => one.accepted);
    return [accepted.length, reasons(outputs), sent.some((m) => m.type === "propose")];
  };

  test("is taken by that leader, and passed on to no other", () => {
    expect(given(lead(), term)).toEqual([1, [], false]);
    expect(given(lead(), term + 1)).toEqual([0, ["noLeader"], false]);
    expect(given(follow(), term)).toEqual([0, ["noLeader"], false]);
  });

  test("does not go on as another's when it is deposed before it hears so", () => {
    const raft = lead();
    const later = { from: second, to: me, term: 2 as Term, recovery: undefined } as const;
    hear(raft, { ...{ type: "heartbeat", commit: 1 as LogIndex, round: 1, sentMs: 0 }, ...later });
    expect(given(raft, term)).toEqual([0, ["noLeader"], false]);
  });
});

describe("a follower", () => {
  test("forwards so many proposals, and says when it cannot know what became of them", () => {
    const raft = follow();
    for (let id = 0; id < limits.raftForwarded + 2; id++) propose(raft, id, 1);
    const { sent, outputs } = takeAll(raft);
    expect(reasons(outputs)).toEqual(["busy", "busy"]);
    const forwarded = sent.filter((m): m is MessageOf<"propose"> => m.type === "propose");
    expect(forwarded.flatMap(({ proposals }) => proposals).length).toBe(limits.raftForwarded);
    const later = { steadyMs: 2 * defaultSettings.electionMs, wallMs: 0 };
    raft.step(later, { type: "tick" });
    expect(raft.take()?.refused.length).toBe(limits.raftForwarded);
  });

  test("forwards so many bytes, in messages that can be carried", () => {
    const raft = follow();
    const count = limits.raftForwardedBytes / limits.commandBytes;
    for (let id = 0; id < count + 4; id++) propose(raft, id, limits.commandBytes);
    const { sent, outputs } = takeAll(raft);
    expect(reasons(outputs).length).toBeGreaterThanOrEqual(4);
    for (const message of sent)
      if (message.type === "propose") expect(message.proposals.length).toBe(1);
  });

  test("takes no answer to a proposal of an earlier life for one to its own", () => {
    const lives = [1, 2].map((chance) => follow(() => chance));
    const asked = lives.map((raft) => {
      propose(raft, 1, 1);
      const message = takeAll(raft).sent.find((m) => m.type === "propose");
      return message?.type === "propose" ? (message.proposals[0]?.id ?? 0) : 0;
    });
    const reply = { type: "proposeReply", from: second, to: me, term, refused: [] } as const;
    const accepted = asked.map((id) => [{ id, index: 9 as LogIndex, term }]);
    const [, raft] = lives;
    if (raft === undefined) throw new Error("two lives");
    hear(raft, { ...reply, accepted: accepted[0] ?? [] });
    expect(raft.take()).toBeUndefined();
    hear(raft, { ...reply, accepted: accepted[1] ?? [] });
    expect(raft.take()?.accepted).toEqual([{ id: 1, index: 9, term }]);
  });

  test("asks for all its reads at once, and answers none of an earlier life", () => {
    const raft = follow();
    for (let id = 1; id <= 3; id++) raft.step(now, { type: "read", id });
    const { sent } = takeAll(raft);
    const [asked, ...others] = sent.filter((m): m is MessageOf<"read"> => m.type === "read");
    expect(others).toEqual([]);
    const batch = asked?.batch ?? 0;
    const reply = { type: "readReply", from: second, to: me, term } as const;
    hear(raft, { ...reply, batch: batch - 1, index: 1 as LogIndex });
    expect(raft.take()).toBeUndefined();
    hear(raft, { ...reply, batch, index: 5 as LogIndex });
    expect(raft.take()?.reads.map(({ id }) => id)).toEqual([1, 2, 3]);
  });
});
