import { describe, expect, test } from "vitest";
import type { LogIndex, NodeId, Term } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import {
  beginChange,
  completeChange,
  configurationOf,
  type Members,
  NO_MEMBERS,
} from "./configuration.ts";
import { decodeConfiguration, encodeConfiguration } from "./configuration-codec.ts";
import { NO_DATA } from "./entry.ts";
import { countVotes, quorumValue } from "./quorum.ts";
import { RaftLog } from "./raft-log.ts";
import { rules } from "./rules.ts";
import { Dice } from "./testing/dice.ts";

const ids = (...list: number[]) => list as NodeId[];
const members = (voters: number[], learners: number[] = []): Members => ({
  voters: ids(...voters),
  learners: ids(...learners),
});

describe("configurations", () => {
  test("a change of voters passes through both", () => {
    const joint = beginChange(configurationOf(members([1, 2, 3])), members([4, 1], [3, 5]));
    expect(joint).toEqual({
      voters: [1, 4],
      outgoing: [1, 2, 3],
      learners: [5],
      demoted: [3],
    });
    expect(completeChange(joint)).toEqual(configurationOf(members([1, 4], [3, 5])));
  });

  test("a change of learners alone takes one step", () => {
    const next = beginChange(configurationOf(members([1], [2])), members([1], [3]));
    expect(next).toEqual(configurationOf(members([1], [3])));
  });

  test.each([
    [members([]), "at least one voter"],
    [members([1, 1]), "twice"],
    [members([1], [1]), "no learner"],
    [members([0]), "above 0"],
    [members(Array.from({ length: limits.raftMembers + 1 }, (_, i) => i + 1)), "at most"],
  ])("%j is refused", (wanted, why) => {
    expect(() => beginChange(configurationOf(members([1])), wanted)).toThrow(why);
  });

  test("bytes and back", () => {
    const joint = beginChange(
      configurationOf(members([1, 2, 3])),
      members([2 ** 53 - 1, 1], [3, 5]),
    );
    for (const one of [joint, NO_MEMBERS, completeChange(joint)])
      expect(decodeConfiguration(encodeConfiguration(one))).toEqual(one);
    const bytes = encodeConfiguration(joint);
    expect(() => decodeConfiguration(bytes.subarray(0, -1))).toThrow("no configuration");
    expect(() => decodeConfiguration(Buffer.concat([bytes, bytes]))).toThrow("no configuration");
    expect(() => decodeConfiguration(NO_DATA)).toThrow("no configuration");
    bytes[0] = 9;
    expect(() => decodeConfiguration(bytes)).toThrow("newer version");
  });
});

describe("majorities", () => {
  test("the value that a majority has reached, by counting", () => {
    const dice = new Dice(1);
    for (let i = 0; i < 2000; i++) {
      const lists = [0, 1].map((which) =>
        ids(...[1, 2, 3, 4, 5, 6].filter(() => dice.chance(0.5)).slice(0, which === 0 ? 6 : 5)),
      );
      const [voters = [], outgoing = []] = lists;
      if (voters.length === 0) continue;
      const values = new Map(ids(1, 2, 3, 4, 5, 6).map((id) => [id, dice.between(0, 5)]));
      const reached = (id: NodeId) => values.get(id) ?? 0;
      const configuration = { ...NO_MEMBERS, voters, outgoing };
      const decided = (value: number) =>
        lists.every(
          (list) =>
            list.length === 0 || list.filter((id) => reached(id) >= value).length * 2 > list.length,
        );
      const value = quorumValue(configuration, rules, reached);
      expect(decided(value) && !decided(value + 1)).toBe(true);
    }
  });

  test("an election in a joint configuration needs both sides, and is lost with one", () => {
    const configuration = { ...NO_MEMBERS, voters: ids(1, 4), outgoing: ids(1, 2, 3) };
    const count = (yes: number[], no: number[] = []) =>
      countVotes(
        configuration,
        rules,
        new Map([
          ...ids(...yes).map((id): [NodeId, boolean] => [id, true]),
          ...ids(...no).map((id): [NodeId, boolean] => [id, false]),
        ]),
      );
    expect(count([1, 4])).toBe("open");
    expect(count([1, 4, 2])).toBe("won");
    expect(count([1, 2, 3])).toBe("open");
    expect(count([1, 2, 3], [4])).toBe("lost");
    expect(countVotes(NO_MEMBERS, rules, new Map())).toBe("lost");
  });
});

describe("the log", () => {
  test("finds where another log may agree, as one would by looking", () => {
    const dice = new Dice(2);
    for (let round = 0; round < 300; round++) {
      const base = { index: dice.between(0, 5) as LogIndex, term: 1 as Term, timeMs: 0 };
      const log = new RaftLog(base);
      let term = 1;
      for (let left = dice.between(0, 20); left > 0; left--) {
        term += dice.chance(0.3) ? dice.between(1, 2) : 0;
        const index = (log.lastIndex + 1) as LogIndex;
        const content = { kind: "nothing", session: 0, sequence: 0, data: NO_DATA } as const;
        log.append({ ...content, index, term: term as Term, timeMs: 0 });
      }
      const [limit, most] = [dice.between(base.index, 30), dice.between(0, 8)];
      let expected = Math.min(limit, log.lastIndex) as LogIndex;
      while (expected > base.index && (log.termAt(expected) ?? 0) > most)
        expected = (expected - 1) as LogIndex;
      expect(log.lastOfTermAtMost(limit as LogIndex, most as Term)).toEqual({
        index: expected,
        term: log.termAt(expected),
      });
    }
  });
});
