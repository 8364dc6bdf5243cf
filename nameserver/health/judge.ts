/** Judges blocks by what is known of the cluster at one moment. */
import type { BlockId, DeviceId } from "../../base/ids.ts";
import type { DeviceStatus } from "../../rpc/block-service.ts";
import type { BlockHealth } from "../../rpc/health.ts";
import type { Placement } from "../../rpc/placement.ts";
import { layoutOf, WHOLE } from "../../rpc/pool.ts";
import type { BlockRow } from "../rows.ts";
import type { Held, Stock } from "../stock/stock.ts";
import { differingOf, type Lasting } from "./differing.ts";
import { type Judgement, judgeBlock, type Standing } from "./judge-block.ts";
import type { RecentRows } from "./recent-rows.ts";

export interface Moment {
  readonly placement: Placement;
  readonly states: readonly DeviceStatus[];
  readonly stock: Stock;
  readonly recent: RecentRows;
  /** Since when members of a block differ. */
  readonly differing: Lasting<BlockId>;
}

const nobody: ReadonlyMap<DeviceId, boolean> = new Map();

export class Judge {
  readonly #moment: Moment;
  readonly #standings: ReadonlyMap<DeviceId, Standing>;

  constructor(moment: Moment) {
    const { placement, states, stock } = moment;
    this.#moment = moment;
    const byId = new Map(states.map((one) => [one.device, one.state]));
    this.#standings = new Map(
      placement.map.devices.map(({ device, in: isIn }) => {
        const isHeard = stock.of(device) !== undefined;
        return [device, { state: byId.get(device) ?? "down", in: isIn, isHeard }];
      }),
    );
  }

  of(block: BlockId, row: BlockRow, holders: ReadonlyMap<DeviceId, Held>): Judgement {
    const { placement, recent } = this.#moment;
    return judgeBlock({
      ...{ row, holders },
      standing: (device) => this.#standings.get(device),
      isFresh: recent.has(block),
      pool: placement.pool(row.pool),
      desired: placement.devicesOf(block, row.scheme ?? WHOLE),
      differing: this.#differing(block, row, holders),
    });
  }

  #differing(block: BlockId, row: BlockRow, holders: ReadonlyMap<DeviceId, Held>) {
    const { members, signature } = differingOf(row, holders);
    if (members.size === 0) return nobody;
    const lasts = this.#moment.differing.lasts(block, signature);
    return new Map([...members].map((member) => [member, lasts]));
  }
}

export function blockHealthOf(block: BlockId, row: BlockRow, judged: Judgement): BlockHealth {
  const { generation, pool, scheme = WHOLE, layout = layoutOf(scheme) } = row;
  return { block, pool, generation, scheme, layout, ...judged };
}
