/** Opens one block: on its members first, in the metadata second. */
import { hasCode } from "../base/errors.ts";
import type { BlockId, DeviceId } from "../base/ids.ts";
import type { BlockMembers, OpenBlock } from "../rpc/name-service.ts";
import { keepingOf, layoutOf, type Pool } from "../rpc/pool.ts";
import { firstGeneration } from "./block-ids.ts";
import { keys } from "./keyspace.ts";
import { read } from "./queries/read.ts";
import { abandon, type StockOptions } from "./take-stock.ts";

export type Opened =
  | { readonly kind: "open"; readonly block: OpenBlock }
  /** Another leader took the id meanwhile. */
  | { readonly kind: "taken" }
  | { readonly kind: "refused"; readonly by: readonly DeviceId[] };

export async function openBlock(
  options: StockOptions,
  pool: Pool,
  block: BlockId,
  members: BlockMembers,
): Promise<Opened> {
  const { scheme } = pool;
  const keeping = keepingOf(pool);
  const removed = read(options.group.state, keys.removedBlock(block));
  const at = { block, generation: firstGeneration(removed) };
  const made: DeviceId[] = [];
  const by: DeviceId[] = [];
  const make = async (device: DeviceId, piece: number) => {
    try {
      await options.blocks.createBlock({ device, ...at }, { piece, scheme }, keeping);
      made.push(device);
    } catch (error) {
      options.report(`device ${device} takes no new block: ${error}`);
      by.push(device);
    }
  };
  await Promise.all(members.map((device, piece) => device && make(device, piece)));
  if (by.length > 0) {
    for (const device of made) await abandon(options, { device, ...at });
    return { kind: "refused", by };
  }
  try {
    const command = { type: "addBlock", ...at, pool: pool.id, scheme, members } as const;
    await options.group.propose(command);
  } catch (error) {
    if (hasCode(error, "InvalidArgument", "StaleGeneration", "NoSuchPool"))
      return { kind: "taken" };
    // A member went out of the map meanwhile.
    if (!hasCode(error, "NoSuchDevice")) throw error;
    for (const device of made) await abandon(options, { device, ...at });
    return { kind: "refused", by: made };
  }
  const layout = layoutOf(scheme);
  return { kind: "open", block: { ...at, pool: pool.id, scheme, layout, members } };
}
