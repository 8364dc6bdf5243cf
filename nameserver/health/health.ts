/** The health of a cluster, from the tally of its blocks and what else is wrong. Pure. */
import type { BlockId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { HealingProgress } from "../../rpc/healing.ts";
import { type Concern, type Health, type HealthLevel, healthLevels } from "../../rpc/health.ts";
import type { Judgement } from "./judge-block.ts";
import { rankOf, type Tally } from "./tally.ts";

export interface HealthInput {
  readonly nowMs: number;
  readonly tally: Tally;
  readonly concerns: readonly Concern[];
  readonly healing: HealingProgress | undefined;
}

export function healthOf({ nowMs, tally, concerns, healing }: HealthInput): Health {
  const sorted = concerns.toSorted((a, b) => rankOf(a.level) - rankOf(b.level));
  const named = sorted.slice(0, limits.healthConcerns);
  const { blocks, bytes, oldestCheckMs } = tally;
  return {
    ...{ level: worstOf(tally, sorted), asOfMs: nowMs, blocks, bytes },
    ...{ atRisk: tally.worst(), concerns: named, moreConcerns: sorted.length - named.length },
    ...(oldestCheckMs !== undefined && { oldestCheckMs }),
    ...(healing !== undefined && { healing }),
  };
}

function worstOf({ blocks }: Tally, concerns: readonly Concern[]): HealthLevel {
  const found = healthLevels.find(
    (level) => blocks[level] > 0 || concerns.some((one) => one.level === level),
  );
  return found ?? "healthy";
}

/** What is being done about a block, as far as one can tell from the progress of healing. */
export function doingWith(
  healing: HealingProgress | undefined,
  planned: (block: BlockId) => string | undefined,
): (block: BlockId, judged: Judgement) => string | undefined {
  return (block, { level, troubles }) => {
    const plan = planned(block);
    if (plan !== undefined) return plan;
    if (level === "healthy") return undefined;
    if (level === "unchecked") return "is read by the scrub";
    if (troubles.some((one) => one.why === "other needles"))
      return "its members are compared soon: what nobody names goes, what is missing is made anew";
    if (level === "lost" || level === "unreadable") return "waits until a device returns";
    if (troubles.every((one) => one.why === "device down"))
      return healing === undefined ? undefined : outWords(healing);
    return undefined;
  };
}

function outWords({ settings: { outAfterMs } }: HealingProgress): string {
  if (outAfterMs === 0) return "waits until the device returns or is put out";
  return `is made anew elsewhere when the device was down for ${Math.round(outAfterMs / 1000)} s`;
}
