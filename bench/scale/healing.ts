/** What becomes of the cluster when something is lost, or comes: how long it takes, and what sets the pace. */
import { limits } from "../../base/limits.ts";
import { budgetOf } from "../../nameserver/planner/pace.ts";
import { usualHealing } from "../../rpc/healing.ts";
import type { Scene } from "./scene.ts";
import { counted, shareOf } from "./setting.ts";
import { type ResourceKind, resourceKinds, type Use } from "./work.ts";

export interface Healed {
  readonly what: string;
  /** Of the simulated blocks: members that were made, and what was surplus after that. */
  readonly made: number;
  readonly retired: number;
  /** From the event to the first order. */
  readonly waitedSeconds: number;
  /** From the first order to the last member. */
  readonly workedSeconds: number;
  /** Members that were made at the same time, on the average. */
  readonly atOnce: number;
  readonly use: Readonly<Record<ResourceKind, Use>>;
  /** CPU of this process for each member that was made: planner, state and model together. */
  readonly cpuMicros: number;
  readonly limit: string;
  /** The same for all blocks. */
  readonly whole: Whole;
}

export interface Whole {
  readonly members: number;
  readonly movedBytes: number;
  readonly workedSeconds: number;
  /** If nothing but the busiest kind of resource were in the way, and all of it were evenly busy. */
  readonly leastSeconds: number;
}

const MONTH_MS = 30 * 24 * 3_600_000;
/** Rows that changed, and news of devices, are looked at within this time. */
const QUIET_MS = 3 * limits.healingRestMs;
const BUSY = 0.85;
const STEADY = { from: 0.1, to: 0.7 } as const;

/** Until every device was heard and nothing is left to do; how long that took, in seconds. */
export async function beginning(scene: Scene): Promise<number> {
  const fromMs = scene.clock.monotonicMs();
  await scene.until(() => scene.planner.progress().isKnown && scene.left() === 0, MONTH_MS);
  return (scene.clock.monotonicMs() - fromMs) / 1_000;
}

/** Devices are gone, all at the same moment, and do not come back. */
export const lose = (scene: Scene, what: string, numbers: readonly number[]): Promise<Healed> =>
  healed(scene, what, async () => {
    for (const number of numbers) scene.blocks.lose(number);
  });

/** Hosts come into these racks, each with as many devices as the others have. */
export const grow = (scene: Scene, what: string, racks: readonly number[]): Promise<Healed> =>
  healed(scene, what, async () => {
    const { stands, setting } = scene.cluster;
    let host = Math.max(...stands.map((one) => one.host));
    for (const rack of racks) {
      host++;
      for (let n = 0; n < setting.hostDevices; n++) await scene.join({ rack, host });
    }
  });

async function healed(scene: Scene, what: string, happen: () => Promise<void>): Promise<Healed> {
  const { clock, blocks, cluster } = scene;
  const before = { made: blocks.madeMs.length, retired: blocks.retired };
  const cpu = process.cpuUsage();
  const fromMs = clock.monotonicMs();
  await happen();
  await scene.until(() => scene.left() > 0, 2 * usualHealing.outAfterMs);
  const beganMs = clock.monotonicMs();
  blocks.takeUse(1);
  while (scene.left() > 0) {
    await scene.until(() => scene.left() === 0, MONTH_MS);
    await scene.until(() => false, QUIET_MS);
  }
  const { user, system } = process.cpuUsage(cpu);
  const madeMs = blocks.madeMs.slice(before.made);
  const made = madeMs.length;
  const workedMs = Math.max(0, (madeMs.at(-1) ?? beganMs) - beganMs);
  const { use, atOnce } = blocks.takeUse(workedMs);
  const share = shareOf(cluster.setting);
  const workedSeconds = workedMs / 1_000;
  const busiest = Math.max(...resourceKinds.map((kind) => use[kind].mean));
  return {
    ...{ what, made, retired: blocks.retired - before.retired, atOnce, use, workedSeconds },
    waitedSeconds: (beganMs - fromMs) / 1_000,
    cpuMicros: (user + system) / Math.max(1, made),
    limit: limitOf(budgetOf(usualHealing, cluster.stands.length).atOnce, atOnce, use),
    whole: {
      members: Math.round(made / share),
      movedBytes: (made * counted(cluster.setting).pieceBytes) / share,
      workedSeconds: made / share / steadyRate(madeMs),
      leastSeconds: (workedSeconds * busiest) / share,
    },
  };
}

/**
 * Members a second while there is enough to do: with few blocks the beginning and the last ones would
 * count for more than they do with all.
 */
function steadyRate(madeMs: readonly number[]): number {
  const first = Math.floor(madeMs.length * STEADY.from);
  const last = Math.floor(madeMs.length * STEADY.to);
  const overMs = (madeMs[last] ?? 0) - (madeMs[first] ?? 0);
  return ((last - first) * 1_000) / Math.max(1, overMs);
}

function limitOf(most: number, atOnce: number, use: Record<ResourceKind, Use>): string {
  if (atOnce >= BUSY * most) return `planner: ${most} blocks at once`;
  const [busiest] = resourceKinds.toSorted((a, b) => use[b].most - use[a].most);
  if (busiest !== undefined && use[busiest].most >= BUSY) return busiest;
  return `planner: ${limits.healingAsTarget} for a target, ${limits.healingAsSource} from a source`;
}
