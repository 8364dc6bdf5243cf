/**
 * What devices hold of blocks that no row names. Empty ones were made and never added, or emptied by
 * whoever did not get to their end: they go, when they were seen so in two looks. What has needles is
 * the planner's when its block was removed (planner/kinds/retire.ts), and else nobody's: health lists it.
 */
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import type { Held, Stock } from "../stock/stock.ts";
import { abandon } from "../take-stock.ts";
import { devicesAway } from "./members-up.ts";
import type { WorkContext, Worker } from "./worker.ts";

export interface UnknownBlocksOptions {
  readonly stock: Pick<Stock, "of" | "devices">;
  /** How often devices are looked through. A block that is just being made is there before its row. */
  readonly lookMs: number;
}

const nameOf = (device: DeviceId, block: BlockId, { generation }: Held) =>
  `${device} ${block} ${generation}`;

/** One without a superblock is of no generation, and nobody knows what is in it. */
const isEmpty = ({ generation, needles, damagedBytes }: Held): boolean =>
  generation > 0 && needles === 0 && damagedBytes === 0;

export function clearUnknown(context: WorkContext, options: UnknownBlocksOptions): Worker {
  const { group, clock } = context;
  let before: ReadonlySet<string> = new Set();
  let now = new Set<string>();
  let todo: DeviceId[] | undefined;
  let lookedMs = Number.NEGATIVE_INFINITY;
  return {
    name: "removal of blocks that nobody knows",
    async step() {
      if (todo === undefined) {
        if (clock.monotonicMs() - lookedMs < options.lookMs) return false;
        lookedMs = clock.monotonicMs();
        const away = await devicesAway(context);
        todo = [...options.stock.devices].filter((device) => !away.has(device));
        now = new Set();
      }
      const device = todo.shift();
      if (device === undefined) {
        before = now;
        todo = undefined;
        return false;
      }
      for (const [block, held] of options.stock.of(device) ?? []) {
        if (!isEmpty(held) || read(group.state, keys.block(block)) !== undefined) continue;
        const name = nameOf(device, block, held);
        if (now.size < limits.unknownBlocks) now.add(name);
        const { generation } = held;
        if (before.has(name)) await abandon(context, { device, block, generation });
      }
      return true;
    },
  };
}
