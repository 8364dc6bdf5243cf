/**
 * Decides whether there is an order of all operations on one key that explains every answer and
 * lets none take effect before it began or after it ended: the search of Wing and Gong, with Lowe's
 * memory of (set of operations done, state) that were tried in vain. Keys are independent of each
 * other, so a history is linearizable when each key's is (Herlihy and Wing).
 */
import { applied, type Operation, type Seen } from "./history.ts";

/** Tried states after which the search gives up undecided. */
const MOST_STATES = 400_000;

export type Verdict = "linearizable" | "wrong" | "undecided";

interface Step {
  readonly state: Seen;
  readonly chosen: number;
}

export function judge(operations: readonly Operation[], initial: Seen = null): Verdict {
  const sorted = operations.toSorted((a, b) => a.beganAt - b.beganAt);
  const answered = sorted.filter(({ endedAt }) => endedAt !== Infinity).length;
  const done = new Uint8Array(sorted.length);
  const tried = new Set<string>();
  const path: Step[] = [];
  let state = initial;
  let left = answered;
  let from = 0;
  while (left > 0) {
    const found = next(sorted, done, state, from);
    if (found === undefined) {
      const last = path.pop();
      if (last === undefined) return "wrong";
      done[last.chosen] = 0;
      if (sorted[last.chosen]?.endedAt !== Infinity) left++;
      state = last.state;
      from = last.chosen + 1;
      continue;
    }
    done[found.chosen] = 1;
    const place = `${found.state}|${Buffer.from(done).toString("latin1")}`;
    if (tried.has(place)) {
      done[found.chosen] = 0;
      from = found.chosen + 1;
      continue;
    }
    if (tried.size >= MOST_STATES) return "undecided";
    tried.add(place);
    path.push({ state, chosen: found.chosen });
    state = found.state;
    if (sorted[found.chosen]?.endedAt !== Infinity) left--;
    from = 0;
  }
  return "linearizable";
}

/** The first operation from `from` on that may come next: none that is left ended before it began. */
function next(
  sorted: readonly Operation[],
  done: Uint8Array,
  state: Seen,
  from: number,
): Step | undefined {
  let earliestEnd = Infinity;
  for (const [i, { endedAt }] of sorted.entries())
    if (done[i] === 0 && endedAt < earliestEnd) earliestEnd = endedAt;
  for (let i = from; i < sorted.length; i++) {
    const operation = sorted[i];
    if (operation === undefined || operation.beganAt > earliestEnd) return undefined;
    if (done[i] === 1) continue;
    const after = applied(state, operation);
    if (after !== undefined) return { state: after.state, chosen: i };
  }
  return undefined;
}

/** The keys whose history is wrong, and how many could not be decided. */
export function judgeAll(operations: readonly Operation[]): {
  readonly wrong: readonly string[];
  readonly undecided: number;
} {
  const byKey = Map.groupBy(operations, ({ key }) => key);
  const verdicts = [...byKey].map(([key, all]) => [key, judge(all)] as const);
  return {
    wrong: verdicts.filter(([, verdict]) => verdict === "wrong").map(([key]) => key),
    undecided: verdicts.filter(([, verdict]) => verdict === "undecided").length,
  };
}
