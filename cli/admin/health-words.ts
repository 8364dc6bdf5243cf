/** What a cluster says of itself, in lines for people. */
import type { ClusterMap } from "../../rpc/cluster-map.ts";
import { osdName } from "../../rpc/crush-map.ts";
import { type HealingProgress, healingKinds } from "../../rpc/healing.ts";
import { type BlockHealth, type Health, type HealthLevel, healthLevels } from "../../rpc/health.ts";
import { counted, formatBytes, formatSeconds } from "../objects/printable.ts";

const meanings: Readonly<Record<HealthLevel, string>> = {
  lost: "fewer good pieces are known than are needed: data are lost unless a device with them returns",
  unreadable: "too few pieces are up: they cannot be read until a device returns",
  "at risk": "no piece is left to spare",
  degraded: "pieces are missing or harmed",
  misplaced: "not where they belong, or not as their pool wants them",
  unchecked:
    "nothing is known to be wrong, and not all was read since something could have hurt it",
  healthy: "read and found good",
};

/** How it stands in one line. */
export function headline({ level, blocks, concerns, moreConcerns }: Health): string {
  const worst = healthLevels.find((one) => one !== "healthy" && blocks[one] > 0);
  const count = concerns.length + moreConcerns;
  const thing = worst === undefined ? "thing" : "other thing";
  const parts = [
    ...(worst === undefined ? [] : [`${counted(blocks[worst], "block")} ${worst}`]),
    ...(count === 0 ? [] : [`${counted(count, thing)} to see to`]),
  ];
  const all = healthLevels.reduce((sum, one) => sum + blocks[one], 0);
  if (parts.length > 0) return `${level}: ${parts.join(", ")}`;
  return all === 0 ? `${level}: nothing is stored yet` : `${level}: all ${counted(all, "block")}`;
}

/** Everything, the worst first. */
export function healthLines(health: Health, map: ClusterMap, nowMs: number): string[] {
  const { blocks, bytes, concerns, moreConcerns, atRisk, healing } = health;
  const counts = healthLevels
    .filter((level) => blocks[level] > 0)
    .map(
      (level) =>
        `  ${level.padEnd(11)}${counted(blocks[level], "block")}, ${formatBytes(bytes[level])}: ${meanings[level]}`,
    );
  const more = moreConcerns === 0 ? [] : [`  and ${moreConcerns} more`];
  return [
    headline(health),
    ...counts,
    ...checkLines(health, nowMs),
    ...(concerns.length === 0 ? [] : ["to see to:", ...concerns.map((one) => `  ${one.message}`)]),
    ...more,
    ...atRiskLines(atRisk, health, map),
    ...(healing === undefined
      ? []
      : ["healing:", ...healingLines(healing, map, health).map((one) => `  ${one}`)]),
  ];
}

function checkLines({ oldestCheckMs }: Health, nowMs: number): string[] {
  if (oldestCheckMs === undefined) return [];
  const hours = Math.max(0, nowMs - oldestCheckMs) / 3_600_000;
  const since = hours < 1 ? "less than an hour" : counted(Math.round(hours), "hour");
  return [`  the check that is longest ago was ${since} ago`];
}

function atRiskLines(atRisk: readonly BlockHealth[], health: Health, map: ClusterMap): string[] {
  if (atRisk.length === 0) return [];
  const ill = healthLevels.reduce(
    (sum, one) => sum + (one === "healthy" ? 0 : health.blocks[one]),
    0,
  );
  const more = ill - atRisk.length;
  return [
    "blocks, the most endangered first:",
    ...atRisk.map((one) => `  ${blockLine(one, map)}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

export function blockLine(one: BlockHealth, map: ClusterMap): string {
  const { block, pool, scheme, level, goodPieces, troubles, doing } = one;
  const name = map.pools.find(({ id }) => id === pool)?.name ?? `pool ${pool}, which is gone`;
  const spare = goodPieces - scheme.k;
  const unheard = troubles.filter((each) => each.why === "not heard").length;
  const lacking = unheard >= -spare ? "more not heard of yet" : `${-spare} too few`;
  const left = spare >= 0 ? `${spare} to spare` : lacking;
  const why = troubles.map((each) => {
    const where = each.device === undefined ? "" : ` (${nameIn(map, each.device)})`;
    return each.why === "other scheme" ? each.why : `piece ${each.piece} ${each.why}${where}`;
  });
  const done = doing === undefined ? "" : `; ${doing}`;
  return `${level.padEnd(11)}block ${block} of ${name} (${scheme.k}+${scheme.m}), ${goodPieces} good, ${left}: ${why.join(", ")}${done}`;
}

function nameIn({ devices }: ClusterMap, device: string): string {
  const mapped = devices.find((each) => each.device === device);
  return mapped === undefined ? device : osdName(mapped.number);
}

/** Nothing can be done now, and perhaps something later. */
function idleWords({ atRisk }: Health): string {
  const [worst] = atRisk;
  if (worst?.doing === undefined || worst.level === "unchecked") return "nothing to do";
  return `nothing to do now; of the most endangered block: ${worst.doing}`;
}

export function healingLines(healing: HealingProgress, map: ClusterMap, health: Health): string[] {
  const { settings, work, bytesLeft, bytesDone, bytesPerSecond, estimateMs, stuck } = healing;
  const busy = healingKinds.filter((kind) => work[kind].waiting + work[kind].running > 0);
  const kinds = busy.map(
    (kind) => `${kind}: ${work[kind].running} running, ${work[kind].waiting} waiting`,
  );
  const pace = `${formatBytes(bytesDone)} done, ${formatBytes(bytesLeft)} left at ${formatBytes(bytesPerSecond)}/s`;
  const about = estimateMs === undefined ? "" : `, about ${formatSeconds(estimateMs / 1000)}`;
  return [
    ...(settings.paused ? ["paused: `quarry admin heal resume` lets it go on"] : []),
    ...(healing.isKnown ? [] : ["not all blocks and devices have been looked at yet"]),
    ...(busy.length === 0 ? [idleWords(health)] : [...kinds, `${pace}${about}`]),
    ...healing.leaving.map(({ device, blocks }) => {
      const has =
        blocks === undefined
          ? "it did not say what is"
          : `${counted(blocks, "block")} ${blocks === 1 ? "is" : "are"}`;
      return `${nameIn(map, device)} is out: ${has} left on it`;
    }),
    ...stuckLines(stuck, healing.stuckCount),
  ];
}

function stuckLines(stuck: HealingProgress["stuck"], count: number): string[] {
  if (count === 0) return [];
  const byReason = Map.groupBy(stuck, ({ why }) => why);
  return [
    `${counted(count, "block")} cannot go on:`,
    ...[...byReason].map(([why, blocks]) => {
      const some = blocks.slice(0, 3).map(({ block }) => block);
      const more = blocks.length > some.length ? ", …" : "";
      return `  ${why} (block ${some.join(", ")}${more})`;
    }),
  ];
}

/** Healing in one line. */
export function healingSummary(healing: HealingProgress, health: Health): string {
  const { settings, work, bytesLeft, bytesPerSecond, estimateMs, stuckCount, isKnown } = healing;
  const sum = (of: "waiting" | "running") =>
    healingKinds.reduce((all, kind) => all + work[kind][of], 0);
  const [running, waiting] = [sum("running"), sum("waiting")];
  const stuck = stuckCount === 0 ? "" : `, ${stuckCount} stuck`;
  if (running + waiting === 0)
    return isKnown ? `${idleWords(health)}${stuck}` : "looks at what there is to do";
  const about = estimateMs === undefined ? "" : `, about ${formatSeconds(estimateMs / 1000)}`;
  const paused = settings.paused ? "paused: " : "";
  return `${paused}${running} running, ${waiting} waiting${stuck}, ${formatBytes(bytesLeft)} left at ${formatBytes(bytesPerSecond)}/s${about}`;
}
