import { expect, test } from "vitest";
import { hasCode } from "../../base/errors.ts";
import type { LogIndex, NodeId, Term } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import { configurationOf } from "../../raft/configuration.ts";
import type { Entry } from "../../raft/entry.ts";
import type { Message } from "../../raft/message.ts";
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
      entry(3, 5, { kind: "configuration" }),
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
