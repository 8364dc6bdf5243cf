/**
 * Orders to let go of a block whose answer never came may still be on their way: before the device gets
 * the block again they are given once more, and answered. Of orders of another leader the term tells.
 */
import { hasCode } from "../../base/errors.ts";
import type { BlockId, DeviceId } from "../../base/ids.ts";
import type { BlockAddress, BlockService } from "../../rpc/block-service.ts";

export class Retires {
  readonly #unanswered = new Map<string, BlockAddress>();

  async order(orders: BlockService, address: BlockAddress): Promise<void> {
    const key = keyOf(address.block, address.device);
    this.#unanswered.set(key, address);
    try {
      await orders.retire({ ...address, surplus: true });
    } catch (error) {
      // Refused, so that it cannot happen any more.
      if (hasCode(error, "StaleGeneration", "StaleTerm", "InvalidArgument"))
        this.#unanswered.delete(key);
      throw error;
    }
    this.#unanswered.delete(key);
  }

  /** Only of a device that is no member of the block. */
  async settle(orders: BlockService, block: BlockId, device: DeviceId): Promise<void> {
    const address = this.#unanswered.get(keyOf(block, device));
    if (address !== undefined) await this.order(orders, address);
  }
}

const keyOf = (block: BlockId, device: DeviceId): string => `${block} ${device}`;
