/** All that a leader does by itself, in the order in which it takes turns. */
import type { Clock } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import type { Cluster } from "./cluster.ts";
import { healingSettings } from "./healing-settings.ts";
import type { OpenBlocks } from "./open-blocks.ts";
import { stepsInTerm } from "./orders.ts";
import { Reconciler } from "./planner/reconciler.ts";
import { type Settings, settingsWorker } from "./settings.ts";
import { collect } from "./workers/collect.ts";
import { compactBlocks } from "./workers/compaction.ts";
import { Conversions } from "./workers/conversions.ts";
import { deviceNews } from "./workers/device-news.ts";
import { dropLeftovers } from "./workers/drop.ts";
import { expirePending, expireTrash } from "./workers/expire.ts";
import { clearSessions } from "./workers/sessions.ts";
import { settleAndSweep } from "./workers/settle.ts";
import { dropStaged } from "./workers/staged.ts";
import { clearUnknown } from "./workers/unknown-blocks.ts";
import { WalkRest } from "./workers/walk-rest.ts";
import type { WorkContext, Worker } from "./workers/worker.ts";

export interface LeaderWork extends Settings {
  readonly openBlocks: OpenBlocks;
  /** Absent: the members of blocks are not compared. */
  readonly cluster?: Pick<Cluster, "stock" | "needleReports" | "losses" | "map">;
  /** How long a block stays sealed before it settles; default one minute. */
  readonly settleMs?: number;
  /** The last run did not end cleanly: sweep every block again. */
  readonly sweepAll: boolean;
  /** The settings are seen to while leading; otherwise that was done at the start. */
  readonly inGroup: boolean;
}

const SETTLE_MS = 60_000;
const LOOK_AT_BLOCKS_MS = 10_000;
const GARBAGE_SHARE = 0.3;
const SESSIONS_REST_MS = limits.sessionMs / 60;

export function leaderWork(context: WorkContext, options: LeaderWork): Worker[] {
  const { group, blocks } = context;
  return stepsInTerm(group, blocks, (orders) => workers({ ...context, blocks: orders }, options));
}

function workers(context: WorkContext, options: LeaderWork): Worker[] {
  const { group, clock } = context;
  const settleMs = options.settleMs ?? SETTLE_MS;
  const lookMs = Math.min(settleMs, LOOK_AT_BLOCKS_MS);
  return [
    ...(options.inGroup ? [settingsWorker(group, options)] : []),
    deviceNews(context),
    expirePending(context),
    expireTrash(context),
    dropLeftovers(context),
    clearSessions(context, SESSIONS_REST_MS),
    collect(context, lookMs),
    sealLeftovers(options.openBlocks, clock, lookMs),
    settleAndSweep(context, { settleMs, lookMs, sweepAll: options.sweepAll }),
    compactBlocks(context, { lookMs, garbageShare: GARBAGE_SHARE }),
    ...(options.cluster ? [conversion(context, options.cluster, lookMs), dropStaged(context)] : []),
    ...(options.cluster ? comparing(context, options, options.cluster, lookMs) : []),
  ];
}

function conversion(
  context: WorkContext,
  { map, stock, losses }: NonNullable<LeaderWork["cluster"]>,
  lookMs: number,
): Worker {
  return new Conversions(context, {
    ...{ map, stock, lookMs, garbageShare: GARBAGE_SHARE },
    onCount: (count) => {
      losses.conversions = count;
    },
  });
}

function comparing(
  context: WorkContext,
  { openBlocks }: LeaderWork,
  cluster: NonNullable<LeaderWork["cluster"]>,
  lookMs: number,
): Worker[] {
  const { stock, needleReports, losses, map } = cluster;
  const reconciler = new Reconciler(context, {
    ...{ stock, needleReports, losses, lookMs },
    seal: (block, generation) => openBlocks.seal(block, generation),
    addressOf: (device) => map.addressOf(device),
    settings: () => healingSettings(context.group.state),
  });
  const clearing = { stock, lookMs: Math.max(lookMs, limits.unknownLookMs) };
  return [reconciler, clearUnknown(context, clearing)];
}

function sealLeftovers(openBlocks: OpenBlocks, clock: Clock, lookMs: number): Worker {
  const rest = new WalkRest(clock, lookMs);
  rest.begin();
  return {
    name: "sealing of reported blocks",
    async step() {
      if (!rest.isOver) return false;
      // One that fails has its rest, too.
      rest.begin();
      rest.saw(await openBlocks.sealLeftovers());
      rest.begin();
      return false;
    },
  };
}
