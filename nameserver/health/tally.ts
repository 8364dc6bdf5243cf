/** Adds up the judgements of all blocks, as they come: how many at each level, and the worst of them. */
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { type BlockHealth, type HealthLevel, healthLevels } from "../../rpc/health.ts";
import { WHOLE } from "../../rpc/pool.ts";
import type { BlockRow } from "../rows.ts";
import type { Held } from "../stock/stock.ts";
import { blockHealthOf } from "./judge.ts";
import type { Judgement } from "./judge-block.ts";

type Counts = Record<HealthLevel, number>;

export interface PoolUse {
  blocks: number;
  usedBytes: number;
  storedBytes: number;
}

const zeros = (): Counts =>
  Object.fromEntries(healthLevels.map((level) => [level, 0])) as Record<HealthLevel, number>;

export const rankOf = (level: HealthLevel): number => healthLevels.indexOf(level);

export class Tally {
  readonly blocks: Counts = zeros();
  readonly bytes: Counts = zeros();
  /** By pool. */
  readonly uses = new Map<number, PoolUse>();
  /** By device: blocks whose rows name it. */
  readonly named = new Map<DeviceId, number>();
  /** By device and pool, for pools with pieces to spare: bytes that would be made anew elsewhere. */
  readonly healable = new Map<DeviceId, Map<number, number>>();
  oldestCheckMs: number | undefined;
  readonly #worst: BlockHealth[][] = healthLevels.map(() => []);

  /**
   * @param namedBytes Of an open block, whose appends devices do not report: what objects name of it.
   */
  add(
    block: BlockId,
    row: BlockRow,
    judged: Judgement,
    holders: ReadonlyMap<DeviceId, Held>,
    doing: (judged: Judgement) => string | undefined,
    namedBytes?: number,
  ): void {
    const { level } = judged;
    this.blocks[level]++;
    this.#addBytes(level, row, holders, namedBytes);
    if (level === "healthy") return;
    const list = this.#worst[rankOf(level)];
    if (list === undefined || list.length >= limits.healthBlocks) return;
    const words = doing(judged);
    list.push({
      ...blockHealthOf(block, row, judged),
      ...(words !== undefined && { doing: words }),
    });
  }

  /** The worst first. */
  worst(): BlockHealth[] {
    return this.#worst.flat().slice(0, limits.healthBlocks);
  }

  #addBytes(
    level: HealthLevel,
    row: BlockRow,
    holders: ReadonlyMap<DeviceId, Held>,
    namedBytes = 0,
  ): void {
    const { pool, scheme = WHOLE } = row;
    const use = this.uses.get(pool) ?? { blocks: 0, usedBytes: 0, storedBytes: 0 };
    this.uses.set(pool, use);
    use.blocks++;
    let mostBytes = 0;
    for (const [device, { liveBytes, sealed, checkedMs, ...held }] of holders) {
      const fileBytes = Math.max(held.fileBytes, namedBytes / scheme.k);
      this.bytes[level] += fileBytes;
      use.storedBytes += fileBytes;
      mostBytes = Math.max(mostBytes, liveBytes);
      if (scheme.m > 0) this.#addHealable(device, pool, fileBytes);
      if (sealed && checkedMs !== undefined)
        this.oldestCheckMs = Math.min(this.oldestCheckMs ?? checkedMs, checkedMs);
    }
    use.usedBytes += Math.max(mostBytes * scheme.k, namedBytes);
    for (const device of row.members)
      if (device !== null) this.named.set(device, (this.named.get(device) ?? 0) + 1);
  }

  #addHealable(device: DeviceId, pool: number, bytes: number): void {
    const byPool = this.healable.get(device) ?? new Map<number, number>();
    this.healable.set(device, byPool);
    byPool.set(pool, (byPool.get(pool) ?? 0) + bytes);
  }
}
