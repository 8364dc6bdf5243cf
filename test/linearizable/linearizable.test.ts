import { describe, expect, test } from "vitest";
import { Dice } from "../../raft/testing/dice.ts";
import { type Answer, applied, type Operation, type Request, type Seen } from "./history.ts";
import { judge, judgeAll } from "./linearizable.ts";

const op = (
  beganAt: number,
  endedAt: number,
  request: Request,
  answer?: Answer,
  key = "k",
): Operation => ({ client: 1, key, request, beganAt, endedAt, answer });
const put = (etag: string, match?: string): Request => ({
  type: "put",
  etag,
  ...(match !== undefined && { match }),
});
const read: Request = { type: "read" };
const saw = (seen: Seen): Answer => ({ type: "seen", seen });
const done: Answer = { type: "done" };
const refused: Answer = { type: "refused" };

describe("histories known good", () => {
  test.each([
    ["nothing", []],
    ["one after the other", [op(1, 2, put("a"), done), op(3, 4, read, saw("a"))]],
    ["a read beside a write sees either", [op(1, 9, put("a"), done), op(2, 3, read, saw(null))]],
    ["an unanswered write took effect", [op(1, Infinity, put("a")), op(5, 6, read, saw("a"))]],
    ["an unanswered write did not", [op(1, Infinity, put("a")), op(5, 6, read, saw(null))]],
    [
      "an unanswered write took effect late",
      [
        op(1, Infinity, put("a")),
        op(2, 3, put("b"), done),
        op(4, 5, read, saw("b")),
        op(6, 7, read, saw("a")),
      ],
    ],
    [
      "of two that wanted to be first one was refused",
      [op(1, 9, put("a", "none"), refused), op(2, 8, put("b", "none"), done)],
    ],
    [
      "a delete between",
      [
        op(1, 2, put("a"), done),
        op(3, 9, { type: "delete" }, done),
        op(4, 5, read, saw("a")),
        op(6, 7, read, saw(null)),
      ],
    ],
  ] as [string, Operation[]][])("%s", (_name, operations) => {
    expect(judge(operations)).toBe("linearizable");
  });
});

describe("histories known bad", () => {
  test.each([
    ["a lost write", [op(1, 2, put("a"), done), op(3, 4, read, saw(null))]],
    ["a read of nothing that was written", [op(1, 2, read, saw("z"))]],
    [
      "a stale read",
      [op(1, 2, put("a"), done), op(3, 4, put("b"), done), op(5, 6, read, saw("a"))],
    ],
    [
      "new, then old",
      [
        op(1, 2, put("a"), done),
        op(3, 20, put("b"), done),
        op(5, 6, read, saw("b")),
        op(7, 8, read, saw("a")),
      ],
    ],
    ["both were first", [op(1, 9, put("a", "none"), done), op(2, 8, put("b", "none"), done)]],
    ["refused for no reason", [op(1, 2, put("a", "none"), refused)]],
    [
      "applied twice",
      [
        op(1, 2, put("a"), done),
        op(3, 4, put("b"), done),
        op(5, 6, read, saw("a")),
        op(7, 8, read, saw("b")),
      ],
    ],
    [
      "a delete that did nothing",
      [op(1, 2, put("a"), done), op(3, 4, { type: "delete" }, done), op(5, 6, read, saw("a"))],
    ],
    [
      "an unanswered write took effect and was taken back",
      [op(1, Infinity, put("a")), op(2, 3, read, saw("a")), op(4, 5, read, saw(null))],
    ],
  ] as [string, Operation[]][])("%s", (_name, operations) => {
    expect(judge(operations)).toBe("wrong");
  });
});

test("keys are judged apart", () => {
  const good = op(1, 2, put("a"), done, "good");
  const bad = op(1, 2, read, saw("a"), "bad");
  expect(judgeAll([good, bad])).toEqual({ wrong: ["bad"], undecided: 0 });
});

/** Operations that take effect at a moment within them; some answers never arrive. */
function randomHistory(dice: Dice): Operation[] {
  const etags = ["a", "b", "c"];
  let state: Seen = null;
  const made = Array.from({ length: 40 }, (_, i) => {
    const at = i * 10;
    const etag = dice.pick(etags) ?? "a";
    const requests = [read, put(etag), put(etag, "none"), put(etag, "b"), { type: "delete" }];
    const request = (dice.pick(requests as Request[]) ?? read) as Request;
    const answers: Answer[] = [saw(state), done, refused];
    const answer = answers.find((one) => applied(state, { request, answer: one }) !== undefined);
    state = applied(state, { request, answer })?.state ?? null;
    const isLost = dice.chance(0.1);
    const endedAt = isLost ? Infinity : at + dice.between(1, 35);
    return op(at - dice.between(0, 35), endedAt, request, isLost ? undefined : answer);
  });
  return made;
}

test("what a register answers is linearizable, whatever overlaps", () => {
  for (let seed = 1; seed <= 200; seed++)
    expect(judge(randomHistory(new Dice(seed)))).toBe("linearizable");
});

test("a read of what was never written makes any of them wrong", () => {
  for (let seed = 1; seed <= 50; seed++)
    expect(judge([...randomHistory(new Dice(seed)), op(200, 210, read, saw("z"))])).toBe("wrong");
});
