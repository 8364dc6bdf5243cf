/**
 * A device holds something of a block whose member it is not any more, or never became: that goes when
 * every member of the block was heard to be good, and has what it has (INV-7, hand-over.ts).
 */
import { hasCode } from "../../../base/errors.ts";
import type { DeviceId } from "../../../base/ids.ts";
import { handOver } from "../hand-over.ts";
import type { RetireNeed } from "../need.ts";
import type { RunContext } from "../run-context.ts";
import { type BlockView, upFacts } from "../view.ts";

export function retireNeed(view: BlockView): RetireNeed | undefined {
  const { row, block, members, holders, devices, spare } = view;
  // What a conversion is not done with knows of removals yet (workers/conversion-end.ts).
  if (row.before !== undefined) return undefined;
  if (!members.every(({ condition }) => condition === "good")) return undefined;
  for (const [device, held] of holders) {
    if (row.members.includes(device) || held.generation > row.generation) continue;
    if (upFacts(devices.get(device)) === undefined) continue;
    return {
      ...{ kind: "retire", block, generation: row.generation, spare, bytes: 0 },
      ...{ targets: [device], readers: [], device, held },
    };
  }
  return undefined;
}

/** What a device has of a block that was emptied and removed while the device was away. */
export function retireStray(
  block: RetireNeed["block"],
  removed: number,
  holders: BlockView["holders"],
  devices: BlockView["devices"],
): RetireNeed | undefined {
  for (const [device, held] of holders) {
    if (held.generation > removed || upFacts(devices.get(device)) === undefined) continue;
    return {
      ...{ kind: "retire", block, generation: removed, spare: 0, bytes: 0 },
      ...{ targets: [device], readers: [], device, held },
    };
  }
  return undefined;
}

export async function retire(context: RunContext, need: RetireNeed): Promise<void> {
  const { block, device, held } = need;
  await handOver(context, need);
  // A leader that does not know yet that it was deposed sees an old row: it must not order from it.
  await context.confirmLeading();
  const row = context.rowOf(block);
  if (row !== undefined && !context.isNeeded()) return;
  const isNeeded =
    row === undefined ? context.removedAt(block) < held.generation : isMember(row.members, device);
  if (isNeeded) return;
  const { generation, salt } = held;
  try {
    if (row === undefined) await context.checkForgotten({ device, block, generation });
    await context.retire({ block, device, generation, ...(salt !== undefined && { salt }) });
  } catch (error) {
    // Somebody else has told it to go meanwhile.
    if (!hasCode(error, "NoSuchBlock")) throw error;
  }
}

const isMember = (members: readonly (DeviceId | null)[], device: DeviceId) =>
  members.includes(device);
