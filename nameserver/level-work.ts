/** Raises the level of the group when all its members know the next: work of whoever leads. */
import { type Clock, endsWithin } from "../base/clock.ts";
import { hasCode } from "../base/errors.ts";
import type { NodeId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { FIRST_LEVEL, LEVEL } from "../base/version.ts";
import type { Group } from "./group/group.ts";
import { levelOf } from "./levels.ts";
import type { Worker } from "./workers/worker.ts";

export interface LevelWork {
  readonly group: Pick<Group, "state" | "propose">;
  readonly clock: Clock;
  /** What this member says that it knows. */
  readonly own: () => number;
  readonly others: () => Iterable<NodeId>;
  /** What another says; absent: it runs a version that says none. Rejects when it is away. */
  readonly ask: (node: NodeId) => Promise<number | undefined>;
  readonly report: (message: string) => void;
}

export interface Levels extends Worker {
  /** Resolves when each member has said which version it runs, or one that it is an earlier one, or late. */
  heard(): Promise<void>;
}

export function levelWork({ group, clock, own, others, ask, report }: LevelWork): Levels {
  let dueMs = Number.NEGATIVE_INFINITY;
  let told = "";
  const heardOf = Promise.withResolvers<void>();
  return {
    name: "the level of the group",
    async heard() {
      await endsWithin(clock, heardOf.promise, limits.levelHeardMs);
    },
    async step() {
      const level = levelOf(group.state);
      const nowMs = clock.monotonicMs();
      if (level >= LEVEL) heardOf.resolve();
      if (level >= LEVEL || nowMs < dueMs) return false;
      const nodes = [...others()];
      const asked = nodes.map(async (node) => ({ node, knows: (await ask(node)) ?? FIRST_LEVEL }));
      const answers = await Promise.allSettled(asked);
      const heard = answers.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
      const earlier = heard.filter(({ knows }) => knows < own()).map(({ node }) => node);
      const words = earlier.join(", ");
      if (words !== told && words !== "")
        report(
          `nameservers ${words} run an earlier version: what is new waits until all are updated`,
        );
      told = words;
      const isKnown = heard.length === nodes.length;
      dueMs = nowMs + (isKnown ? limits.levelAskMs : limits.levelRetryMs);
      if (earlier.length > 0) heardOf.resolve();
      if (!isKnown) return false;
      const next = Math.min(own(), ...heard.map(({ knows }) => knows));
      if (next > level) await group.propose({ type: "raiseLevel", level: next });
      heardOf.resolve();
      if (next <= level) return false;
      report(`all nameservers know level ${next}: from now on earlier versions are refused`);
      return false;
    },
  };
}

/** A group of one knows what it knows. */
export async function raiseAlone(
  group: Pick<Group, "state" | "propose">,
  report: (message: string) => void,
): Promise<void> {
  if (levelOf(group.state) >= LEVEL) return;
  try {
    await group.propose({ type: "raiseLevel", level: LEVEL });
  } catch (error) {
    if (!hasCode(error, "DiskFull")) throw error;
    report(`what is new in this version waits for the next start: ${error.message}`);
  }
}
