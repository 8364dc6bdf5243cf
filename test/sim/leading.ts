/** What a nameserver does when it leads, as `openNameserver` puts it together. */
import type { NodeId } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import { StatePieces } from "../../nameserver/backup/state-pieces.ts";
import { BlockClaims } from "../../nameserver/block-claims.ts";
import { openCluster } from "../../nameserver/cluster.ts";
import type { Replica } from "../../nameserver/group/replica.ts";
import type { Roster } from "../../nameserver/group/roster.ts";
import type { Survey } from "../../nameserver/health/survey.ts";
import { leaderWork } from "../../nameserver/leader-work.ts";
import { OpenBlocks } from "../../nameserver/open-blocks.ts";
import type { ChangedBlocks } from "../../nameserver/planner/changed-blocks.ts";
import { Planner } from "../../nameserver/planner/planner.ts";
import type { RowCache } from "../../nameserver/row-cache.ts";
import { nameService } from "../../nameserver/serve-names.ts";
import { added } from "../../nameserver/start-work.ts";
import { whileLeading } from "../../nameserver/while-leading.ts";
import { Workers } from "../../nameserver/workers/worker.ts";
import type { Address } from "../../rpc/address.ts";
import type { LivenessService } from "../../rpc/liveness-service.ts";
import type { NameService } from "../../rpc/name-service.ts";
import { type BlockWays, orderLine } from "./block-line.ts";
import type { Flaw } from "./flaw.ts";
import type { SimProcess } from "./process.ts";

export const HOLD_MS = 500;
export const PENDING_MS = 2_500;
export const SETTLE_MS = 700;
const WORKERS_PAUSE_MS = 150;

export interface LeadingOptions {
  readonly node: NodeId;
  readonly roster: Roster;
  readonly replica: Replica;
  readonly cache: RowCache;
  readonly ways: BlockWays;
  readonly process: SimProcess;
  readonly flaw: Flaw;
  readonly report: (message: string) => void;
  readonly changed: ChangedBlocks;
}

export const addressOf = (node: NodeId): Address => ({ host: "nameserver", port: node });
export const portOf = (address: Address): number => ("port" in address ? address.port : 0);

export interface Led {
  readonly names: NameService;
  readonly liveness: LivenessService;
  readonly survey: Survey;
}

/** Starts the work of a leader, and gives what it answers. */
export function startLeading(options: LeadingOptions): Led {
  const { node, roster, replica, cache, process, flaw, report, ways, changed } = options;
  const { clock } = process;
  const random = seededRandom(node);
  const cluster = openCluster(
    {
      ...{ clock, random, report, member: { secret: new Uint8Array(0) } },
      open: (address) => orderLine(ways, { id: node, process }, address),
    },
    replica,
    roster,
  );
  const blocks = flaw.orders?.(cluster.blocks) ?? cluster.blocks;
  const openBlocks = new OpenBlocks({
    ...{ group: replica, blocks, clock, report },
    perDevice: 1,
    map: () => cluster.map.get(),
  });
  const claims = new BlockClaims();
  const context = { group: replica, blocks, clock, report, claims };
  const work = leaderWork(context, {
    ...{ openBlocks, cluster, holdMs: HOLD_MS, pendingMs: PENDING_MS, settleMs: SETTLE_MS },
    // A simulated process never ends cleanly.
    ...{ sweepAll: true, inGroup: true },
  });
  new Workers(context, [...work, ...(flaw.work?.(context) ?? [])], WORKERS_PAUSE_MS);
  const { survey } = cluster;
  const planner = new Planner({
    ...{ ...context, stock: cluster.stock, heardMs: cluster.heardMs, changed },
    map: () => cluster.map.get(),
    seal: (block, generation) => openBlocks.seal(block, generation),
  });
  survey.healing = () => {
    const progress = planner.progress();
    const { losses } = cluster;
    const convert = added(progress.work.convert, losses.conversions);
    const work = { ...progress.work, reconcile: losses.work(), convert };
    return replica.isLeader ? { ...progress, work } : undefined;
  };
  survey.losses = () => (replica.isLeader ? cluster.losses.list() : []);
  const pieces = new StatePieces({ group: replica, clock, random });
  const answers = nameService(replica, openBlocks, cache, pieces, cluster);
  return { names: whileLeading(answers, replica, roster), liveness: cluster.liveness, survey };
}
