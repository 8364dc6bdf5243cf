import { expect, test } from "vitest";
import { hasCode } from "../../base/errors.ts";
import type { LogIndex, NodeId, Term } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import { configurationOf } from "../../raft/configuration.ts";
import { encodeConfiguration } from "../../raft/configuration-codec.ts";
import { type Entry, emptyState } from "../../raft/entry.ts";
import type { Message } from "../../raft/message.ts";
import { Raft } from "../../raft/raft.ts";
import { defaultSettings } from "../../raft/settings.ts";
import { decodeMessages, encodeMessages } from "./message-codec.ts";

const envelope = { from: 1 as NodeId, to: 2 as NodeId, term: 7 as Term };
const entry = (index: number, bytes: number, more: Partial<Entry> = {}): Entry => ({
  ...{ index: index as LogIndex, term: (2 ** 40) as Term, timeMs: 1_700_000_000_123.5 },
  ...{ kind: "command", session: 2 ** 50, sequence: 2 ** 32 - 1, data: Buffer.alloc(bytes, index) },
  ...more,
});
const head = {
  ...{ index: 9 as LogIndex, term: 3 as Term, timeMs: 5 },
  configuration: configurationOf({ voters: [1 as NodeId], learners: [] }),
};
const messages: Message[] = [
  { ...envelope, type: "commit", commit: 4 as LogIndex },
  {
    ...{ ...envelope, type: "append", previousIndex: 0 as LogIndex, previousTerm: 0 as Term },
    commit: 0 as LogIndex,
    entries: [
      entry(1, 300),
      entry(2, 0, { kind: "nothing" }),
      entry(3, 0, { kind: "configuration", data: encodeConfiguration(head.configuration) }),
    ],
  },
  {
    ...{ ...envelope, type: "snapshotPiece" },
    piece: { id: 3, head, offset: 12, bytes: Buffer.alloc(1000, 1), last: true },
  },
  {
    ...{ ...envelope, type: "append", previousIndex: 3 as LogIndex, previousTerm: 1 as Term },
    ...{ commit: 3 as LogIndex, entries: [] },
  },
  { ...envelope, type: "snapshotReply", id: 3, offset: 1012 },
];

test("messages come out as they went in, and nothing of them changes with the bytes they came in", () => {
  const batch = encodeMessages(messages);
  const decoded = decodeMessages(batch);
  batch.fill(0xff);
  expect(decoded).toEqual(messages);
});

test("harmed bytes are refused, or are other messages", () => {
  const random = seededRandom(1);
  const batch = encodeMessages(messages);
  for (let round = 0; round < 3000; round++) {
    const harmed = Buffer.from(batch);
    for (let i = random.u32() % 4; i >= 0; i--) harmed[random.u32() % 700] = random.u32() & 0xff;
    try {
      decodeMessages(harmed);
    } catch (error) {
      expect(hasCode(error, "Protocol")).toBe(true);
    }
  }
});

test("a byte too few or too many is refused", () => {
  const batch = encodeMessages(messages);
  for (let end = 0; end < batch.length; end++)
    expect(() => decodeMessages(batch.subarray(0, end))).toThrow(/no message|no msgpack/);
  expect(() => decodeMessages(Buffer.concat([batch, Buffer.alloc(1)]))).toThrow(/no message/);
});

const whole: readonly Message[] = [
  ...messages,
  { ...envelope, type: "preVote", lastIndex: 3 as LogIndex, lastTerm: 2 as Term },
  { ...envelope, type: "vote", lastIndex: 3 as LogIndex, lastTerm: 2 as Term, forced: false },
  { ...envelope, type: "preVoteReply", granted: true },
  { ...envelope, type: "voteReply", granted: true },
  { ...envelope, type: "appended", index: 3 as LogIndex },
  {
    ...{ ...envelope, type: "rejected", previousIndex: 3 as LogIndex },
    ...{ hintIndex: 1 as LogIndex, hintTerm: 1 as Term },
  },
  {
    ...{ ...envelope, type: "heartbeat", commit: 0 as LogIndex, round: 5, sentMs: 1.5 },
    recovery: { nonce: 4, target: 9 as LogIndex },
  },
  { ...envelope, type: "heartbeatReply", round: 5, sentMs: 1.5, recovering: 0 },
  { ...envelope, type: "stale" },
  { ...envelope, type: "timeoutNow" },
  {
    ...{ ...envelope, type: "propose" },
    proposals: [{ id: 1, session: 0, sequence: 0, data: Buffer.from("command") }],
  },
  {
    ...{ ...envelope, type: "proposeReply", refused: [{ id: 2, reason: "busy" }] },
    accepted: [{ id: 1, index: 4 as LogIndex, term: 7 as Term }],
  },
  { ...envelope, type: "read", batch: 8 },
  { ...envelope, type: "readReply", batch: 8, index: undefined },
];

/** All places in a thing, and what stands there when another thing is put in one of them. */
function placesIn(thing: unknown): string[][] {
  if (typeof thing !== "object" || thing === null || thing instanceof Uint8Array) return [[]];
  const within = Object.entries(thing).flatMap(([name, one]) =>
    placesIn(one).map((path) => [name, ...path]),
  );
  return [[], ...within];
}

function withAt(thing: unknown, [name, ...path]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value;
  const copy: Record<string, unknown> = Array.isArray(thing)
    ? (Object.assign([], thing) as never)
    : { ...(thing as object) };
  copy[name] = withAt(copy[name], path, value);
  return copy;
}

/** The bytes of what may be no message; undefined when it cannot even be written. */
function bytesOf(bad: unknown): Buffer | undefined {
  try {
    return encodeMessages([bad as Message]);
  } catch {
    return undefined;
  }
}

function taken(batch: Buffer): readonly Message[] {
  try {
    return decodeMessages(batch);
  } catch (error) {
    expect(hasCode(error, "Protocol")).toBe(true);
    return [];
  }
}

test("nothing of the wrong shape that a peer makes up stops a nameserver", () => {
  const strange = [undefined, null, -1, 1.5, Number.NaN, "x", [], [null], {}, true, 5n, 2 ** 60];
  for (const message of whole) {
    expect(decodeMessages(encodeMessages([message]))).toEqual([message]);
    for (const path of placesIn(message))
      for (const value of strange) {
        const batch = bytesOf(withAt(message, path, value));
        for (const one of batch === undefined ? [] : taken(batch)) {
          const raft = follower();
          raft.step({ steadyMs: 0, wallMs: 0 }, { type: "message", message: one });
          raft.take();
        }
      }
  }
});

function follower(): Raft {
  return new Raft({
    ...{ id: envelope.to, state: emptyState(head.configuration), random: () => 0, nowMs: 0 },
    ...{ base: emptyState(head.configuration), entries: [], hardState: undefined },
    settings: defaultSettings,
  });
}

test("a message that only a newer version knows is lost, those beside it are not", () => {
  const newer = { ...envelope, type: "gossip", about: [1] } as unknown as Message;
  const [first] = messages;
  expect(decodeMessages(encodeMessages([newer, ...messages.slice(0, 1)]))).toEqual([first]);
});
