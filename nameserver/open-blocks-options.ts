/** What keeps open blocks is given. */
import type { Clock } from "../base/clock.ts";
import type { BlockId, DeviceId } from "../base/ids.ts";
import type { BlockService } from "../rpc/block-service.ts";
import type { ClusterMap } from "../rpc/cluster-map.ts";
import type { Group } from "./group/group.ts";

export interface OpenBlocksOptions {
  readonly group: Group;
  readonly blocks: BlockService;
  readonly map: () => Promise<ClusterMap>;
  readonly clock: Clock;
  readonly report: (message: string) => void;
  /** By device: bytes that are kept for repairs. */
  readonly keptBytes?: () => ReadonlyMap<DeviceId, number> | undefined;
  /** Open blocks of each pool that a device is in, about. */
  readonly perDevice: number;
  /** Whether a device tells of damage in its piece of a block: only sealed ones are made anew. */
  readonly isHarmed?: (block: BlockId) => boolean;
}
