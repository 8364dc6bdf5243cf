/** How the healing goes on: counts, bytes, pace and what is left, for people. */
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import {
  type HealingCount,
  type HealingKind,
  type HealingProgress,
  type HealingSettings,
  healingKinds,
} from "../../rpc/healing.ts";
import type { Need, Stuck } from "./need.ts";
import type { Needs } from "./needs.ts";

export class Tally {
  readonly #done = new Map<HealingKind, number>();
  /** What was moved when, of the last minute. */
  #moves: { readonly atMs: number; readonly bytes: number }[] = [];
  #bytesDone = 0;
  /** When something began after there was nothing to do. */
  #sinceMs: number | undefined;

  clear(): void {
    this.#done.clear();
    this.idle();
  }

  /** There was nothing to do. */
  idle(): void {
    this.#moves = [];
    this.#bytesDone = 0;
    this.#sinceMs = undefined;
  }

  begun(nowMs: number): void {
    this.#sinceMs ??= nowMs;
  }

  done(kind: HealingKind): void {
    this.#done.set(kind, (this.#done.get(kind) ?? 0) + 1);
  }

  moved(bytes: number, nowMs: number): void {
    this.#bytesDone += bytes;
    this.#moves = this.#moves.filter(({ atMs }) => nowMs - atMs < limits.healingPaceMs);
    this.#moves.push({ atMs: nowMs, bytes });
  }

  progress(now: {
    readonly needs: Needs;
    readonly running: ReadonlyMap<BlockId, Need>;
    readonly failed: ReadonlyMap<BlockId, Stuck>;
    readonly settings: HealingSettings;
    readonly isKnown: boolean;
    readonly leaving: HealingProgress["leaving"];
    readonly nowMs: number;
    /** Of what runs, and was moved already. */
    readonly bytesUnderWay: number;
  }): HealingProgress {
    const { needs, running, failed, settings, isKnown, leaving, nowMs } = now;
    const bytesLeft = Math.max(0, needs.bytes - now.bytesUnderWay);
    const bytesPerSecond = this.#pace(nowMs);
    const stuck = new Map([...failed, ...needs.stuck]);
    const lackRoom = lackingRoom(stuck.values());
    const isMeasured = this.#measuredMs(nowMs) >= limits.healingMeasuredMs;
    const moves = isMeasured && bytesPerSecond > 0 && bytesLeft > 0;
    return {
      settings,
      work: Object.fromEntries(
        healingKinds.map((kind) => [kind, this.#count(kind, needs, running)]),
      ) as HealingProgress["work"],
      ...{ bytesLeft, bytesDone: this.#bytesDone, bytesPerSecond },
      ...(moves && { estimateMs: Math.ceil((bytesLeft / bytesPerSecond) * 1000) }),
      stuck: [...stuck]
        .slice(0, limits.healingStuckNamed)
        .map(([block, { why }]) => ({ block, why })),
      ...(lackRoom.length > 0 && { lackRoom }),
      ...{ stuckCount: stuck.size, leaving, isKnown },
    };
  }

  #count(kind: HealingKind, needs: Needs, running: ReadonlyMap<BlockId, Need>): HealingCount {
    const under = [...running.values()].filter((need) => need.kind === kind);
    const begun = under.filter(({ block }) => needs.of(block)?.kind === kind).length;
    const waiting = needs.count(kind) - begun;
    return { waiting, running: under.length, done: this.#done.get(kind) ?? 0 };
  }

  #measuredMs(nowMs: number): number {
    return Math.min(limits.healingPaceMs, nowMs - (this.#sinceMs ?? nowMs));
  }

  #pace(nowMs: number): number {
    const recent = this.#moves.filter(({ atMs }) => nowMs - atMs < limits.healingPaceMs);
    const bytes = recent.reduce((sum, one) => sum + one.bytes, 0);
    return Math.round((bytes * 1000) / Math.max(1_000, this.#measuredMs(nowMs)));
  }
}

/** By device: how many blocks something of is to be made there, and finds no room. */
function lackingRoom(stuck: Iterable<Stuck>): { device: DeviceId; blocks: number }[] {
  const counts = new Map<DeviceId, number>();
  for (const { lacksRoom: device } of stuck)
    if (device !== undefined) counts.set(device, (counts.get(device) ?? 0) + 1);
  return [...counts].map(([device, blocks]) => ({ device, blocks }));
}
