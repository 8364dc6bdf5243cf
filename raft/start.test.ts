import { expect, test } from "vitest";
import type { LogIndex, NodeId, Term } from "../base/ids.ts";
import { configurationOf } from "./configuration.ts";
import { NO_DATA, NOBODY } from "./entry.ts";
import { Raft } from "./raft.ts";
import { defaultSettings } from "./settings.ts";

const [me, second, third] = [1, 2, 3] as [NodeId, NodeId, NodeId];
const configuration = configurationOf({ voters: [me, second, third], learners: [] });
const now = { steadyMs: 0, wallMs: 0 };
const at = (index: number, term: number) => ({
  index: index as LogIndex,
  term: term as Term,
  timeMs: 0,
});

test("a state that was installed before the term in which it came was durable", () => {
  const raft = new Raft({
    ...{ id: me, settings: defaultSettings, random: () => 0, nowMs: 0 },
    hardState: { term: 3 as Term, vote: me, mustNotVote: false },
    state: { ...at(9, 5), configuration },
    base: at(2, 3),
    entries: [{ ...at(3, 3), kind: "nothing", session: 0, sequence: 0, data: NO_DATA }],
  });
  // The leader of an earlier term is not followed: what it has behind the state was not decided.
  const entry = { ...at(10, 4), kind: "command", session: 0, sequence: 0, data: NO_DATA } as const;
  raft.step(now, {
    type: "message",
    message: {
      ...{ type: "append", from: second, to: me, term: 4 as Term, commit: 9 as LogIndex },
      ...{ previousIndex: 9 as LogIndex, previousTerm: 5 as Term, entries: [entry] },
    },
  });
  const outputs = raft.take();
  expect(outputs?.persist).toMatchObject({
    hardState: { term: 5, vote: NOBODY, mustNotVote: false },
    reset: { index: 9, term: 5 },
    entries: [],
  });
  expect(raft.status).toMatchObject({ term: 5, lastIndex: 9, commit: 9 });
});
