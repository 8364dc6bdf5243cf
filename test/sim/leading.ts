/** What a nameserver does when it leads, as `openNameserver` puts it together. */
import type { NodeId } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import { StatePieces } from "../../nameserver/backup/state-pieces.ts";
import { openCluster } from "../../nameserver/cluster.ts";
import type { Replica } from "../../nameserver/group/replica.ts";
import type { Roster } from "../../nameserver/group/roster.ts";
import { leaderWork } from "../../nameserver/leader-work.ts";
import { OpenBlocks } from "../../nameserver/open-blocks.ts";
import type { RowCache } from "../../nameserver/row-cache.ts";
import { nameService } from "../../nameserver/serve-names.ts";
import { whileLeading } from "../../nameserver/while-leading.ts";
import { Workers } from "../../nameserver/workers/worker.ts";
import type { Address } from "../../rpc/address.ts";
import type { BlockService } from "../../rpc/block-service.ts";
import { type ClusterMap, emptyMap } from "../../rpc/cluster-map.ts";
import type { NameService } from "../../rpc/name-service.ts";
import { firstPool } from "../../rpc/pool.ts";
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
  readonly blocks: BlockService;
  readonly process: SimProcess;
  readonly flaw: Flaw;
  readonly report: (message: string) => void;
}

export const addressOf = (node: NodeId): Address => ({ host: "nameserver", port: node });
export const portOf = (address: Address): number => ("port" in address ? address.port : 0);

/** Every block has two members. */
const twofold: ClusterMap = {
  ...emptyMap,
  pools: [{ ...firstPool, scheme: { k: 1, m: 1 }, minMembers: 2 }],
};

/** Starts the work of a leader, and gives what it answers. */
export function startLeading(options: LeadingOptions): NameService {
  const { node, roster, replica, cache, process, flaw, report } = options;
  const { clock } = process;
  const blocks = flaw.orders?.(options.blocks) ?? options.blocks;
  const random = seededRandom(node);
  const cluster = openCluster({ clock, random, blocks, report }, replica);
  const openBlocks = new OpenBlocks({
    ...{ group: replica, blocks, clock, report },
    perDevice: 1,
    map: async () => twofold,
  });
  const context = { group: replica, blocks, clock, report };
  const work = leaderWork(context, {
    ...{ openBlocks, holdMs: HOLD_MS, pendingMs: PENDING_MS, settleMs: SETTLE_MS },
    // A simulated process never ends cleanly.
    ...{ sweepAll: true, inGroup: true },
  });
  new Workers(context, [...work, ...(flaw.work?.(context) ?? [])], WORKERS_PAUSE_MS);
  const pieces = new StatePieces({ group: replica, clock, random });
  return whileLeading(nameService(replica, openBlocks, cache, pieces, cluster), replica, roster);
}
