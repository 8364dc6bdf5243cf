/** When a block is sealed: so many members refuse appends that every needle is on k of them (INV-2). */
import { hasCode } from "../base/errors.ts";
import type { BlockId, DeviceId } from "../base/ids.ts";
import type { BlockService } from "../rpc/block-service.ts";
import { filled } from "../rpc/name-service.ts";
import type { BlockRow } from "./rows.ts";

/** Of a whole block each member has every acknowledged needle; of others k give it back. */
export const refusalsNeeded = ({ scheme }: BlockRow): number => scheme?.k ?? 1;

/** True when enough of its members durably refuse further appends. */
export async function refuseAppends(
  to: { readonly orders: BlockService; readonly report: (message: string) => void },
  block: BlockId,
  row: BlockRow,
): Promise<boolean> {
  const { generation } = row;
  const refuses = async (device: DeviceId): Promise<boolean> => {
    try {
      await to.orders.sealBlock({ device, block, generation });
    } catch (error) {
      // A member that has no such block, or one without a superblock, takes no appends to it.
      if (hasCode(error, "NoSuchBlock", "StaleGeneration", "Damaged")) return true;
      to.report(`block ${block} was not sealed on device ${device} yet: ${error}`);
      return false;
    }
    return true;
  };
  const answers = await Promise.all(filled(row.members).map(refuses));
  return answers.filter((refused) => refused).length >= refusalsNeeded(row);
}
