/** Starts what a nameserver does by itself while it leads: its workers, one after the other, and beside them the planner. */
import { limits } from "../base/limits.ts";
import type { HealingCount } from "../rpc/healing.ts";
import type { BlockClaims } from "./block-claims.ts";
import type { Cluster } from "./cluster.ts";
import { Copies } from "./copies/copies.ts";
import type { Replica } from "./group/replica.ts";
import { leaderWork } from "./leader-work.ts";
import type { NameserverOptions } from "./nameserver.ts";
import type { OpenBlocks } from "./open-blocks.ts";
import type { ChangedBlocks } from "./planner/changed-blocks.ts";
import { Planner } from "./planner/planner.ts";
import { type WorkContext, Workers } from "./workers/worker.ts";

const PAUSE_MS = 1_000;

export function startWorkers(
  options: NameserverOptions,
  context: WorkContext,
  on: {
    readonly group: Replica;
    readonly cluster: Cluster;
    readonly openBlocks: OpenBlocks;
    readonly cleanEnd: boolean;
  },
): Workers | undefined {
  const pauseMs = options.workersPauseMs ?? PAUSE_MS;
  if (pauseMs === "off") return undefined;
  const { group, cluster, openBlocks, cleanEnd } = on;
  const inGroup = options.member !== undefined;
  const work = leaderWork(context, {
    ...options,
    openBlocks,
    cluster,
    sweepAll: !cleanEnd,
    inGroup,
  });
  if (options.copies !== undefined)
    work.push(
      new Copies(context, { ...options, ...options.copies, openBlocks, log: group.retention }),
    );
  return new Workers(context, work, pauseMs);
}

export function startPlanner(
  options: NameserverOptions,
  context: WorkContext & { readonly claims: BlockClaims },
  {
    cluster,
    openBlocks,
    changed,
  }: {
    readonly cluster: Cluster;
    readonly openBlocks: OpenBlocks;
    readonly changed: ChangedBlocks;
  },
): Planner | undefined {
  const pauseMs = options.workersPauseMs ?? PAUSE_MS;
  if (pauseMs === "off") return undefined;
  const { stock, heardMs, survey, losses } = cluster;
  const planner = new Planner({
    ...{ ...context, stock, heardMs, changed, lookMs: Math.min(pauseMs, limits.healingLookMs) },
    map: () => cluster.map.get(),
    seal: (block, generation) => openBlocks.seal(block, generation),
  });
  survey.planned = (block) => planner.doing(block);
  survey.healing = () => {
    if (!context.group.isLeader) return undefined;
    const progress = planner.progress();
    const { work } = progress;
    const convert = added(work.convert, losses.conversions);
    return { ...progress, work: { ...work, reconcile: losses.work(), convert } };
  };
  survey.losses = () => (context.group.isLeader ? losses.list() : []);
  return planner;
}

export const added = (a: HealingCount, b: HealingCount): HealingCount => ({
  waiting: a.waiting + b.waiting,
  running: a.running + b.running,
  done: a.done + b.done,
});
