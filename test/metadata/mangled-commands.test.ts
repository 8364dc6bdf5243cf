/**
 * Commands of the wrong shape, as a client of another version or with a defect may send them: none
 * stops a nameserver, and replicas that apply them in other runs, or start anew in between, agree.
 */
import { describe, expect, test } from "vitest";
import type { LogIndex, Term } from "../../base/ids.ts";
import { type Random, seededRandom } from "../../base/random.ts";
import { type AnyCommand, encodeCommand } from "../../nameserver/command.ts";
import { StateMachine } from "../../nameserver/state-machine.ts";
import { MemoryState } from "../../nameserver/state-memory.ts";
import type { Entry } from "../../raft/entry.ts";
import { RandomCommands } from "./random-commands.ts";

const COMMANDS = 300;
const STRANGE: readonly unknown[] = [
  ...[undefined, null, Number.NaN, -1, 0, 1, 1.5, -0, 2 ** 53, 1e300, Number.POSITIVE_INFINITY],
  ...["", "x", "\0", "null", "__proto__", "\ud800", "a".repeat(3_000), true, false],
  ...[5n, 2n ** 63n, [], {}, [null], [[1]], { a: 1 }, Buffer.from("x"), new Date(0)],
];

type Path = readonly string[];

function pathsIn(thing: unknown): Path[] {
  if (typeof thing !== "object" || thing === null || thing instanceof Uint8Array) return [[]];
  const within = Object.entries(thing).flatMap(([name, one]) =>
    pathsIn(one).map((path) => [name, ...path]),
  );
  return [[], ...within];
}

function withAt(thing: unknown, [name, ...path]: Path, value: unknown): unknown {
  if (name === undefined) return value;
  const copy = (Array.isArray(thing) ? [...thing] : { ...(thing as object) }) as Record<
    string,
    unknown
  >;
  copy[name] = withAt(copy[name], path, value);
  return copy;
}

function pick<Item>(random: Random, from: readonly Item[]): Item {
  return from[random.u32() % from.length] as Item;
}

/** The command with something strange in one or two places; undefined when it cannot be sent. */
function mangled(random: Random, command: AnyCommand): Buffer | undefined {
  let bad: unknown = command;
  for (let left = 1 + (random.u32() % 2); left > 0; left--) {
    const paths = pathsIn(bad).filter(([name]) => name !== undefined && name !== "type");
    if (paths.length > 0) bad = withAt(bad, pick(random, paths), pick(random, STRANGE));
  }
  try {
    return encodeCommand(bad as AnyCommand);
  } catch {
    return undefined;
  }
}

describe("mangled commands", () => {
  test.each([1, 2, 3, 4, 5, 6])("stop nobody, and all agree on them, seed %i", async (seed) => {
    const random = seededRandom(seed);
    const commands = new RandomCommands(seededRandom(seed));
    const one = new StateMachine(new MemoryState());
    const store = new MemoryState();
    let other = new StateMachine(store);
    let behind: Entry[] = [];
    const catchUp = async () => {
      await other.applyRun(behind);
      behind = [];
      expect(other.digest).toEqual(one.digest);
      if (random.u32() % 3 === 0) other = new StateMachine(store);
    };
    const give = async (data: Uint8Array) => {
      const index = (one.applied + 1) as LogIndex;
      const at = { index, term: 1 as Term, timeMs: 1_000 + index };
      const entry: Entry = { ...at, kind: "command", session: 0, sequence: 0, data };
      behind.push(entry);
      const [outcome] = await one.applyRun([entry]);
      if (random.u32() % 20 === 0) await catchUp();
      return outcome;
    };
    let refused = 0;
    for (const command of RandomCommands.opening()) await give(encodeCommand(command));
    for (let i = 0; i < COMMANDS; i++) {
      const command = commands.next();
      const bad = mangled(random, command);
      const ofBad = bad && (await give(bad));
      if (ofBad !== undefined && "refusal" in ofBad) refused++;
      const outcome = await give(encodeCommand(command));
      if (outcome !== undefined && "result" in outcome) commands.saw(command, outcome.result);
    }
    await catchUp();
    expect(refused).toBeGreaterThan(COMMANDS / 10);
  });
});
