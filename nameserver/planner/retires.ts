/**
 * Orders to let go of a block whose answer never came may still be on their way. They name the very file
 * that shall go, so they cannot hit one that is made later; what a device has still is not taken over
 * while one is under way. Of the orders of another leader the term tells.
 */
import { hasCode } from "../../base/errors.ts";
import type { BlockId, DeviceId } from "../../base/ids.ts";
import type { BlockService, RetireOrder } from "../../rpc/block-service.ts";

export class Retires {
  readonly #unanswered = new Set<string>();

  /** In another term they are refused. */
  clear(): void {
    this.#unanswered.clear();
  }

  isUnderWay(block: BlockId, device: DeviceId): boolean {
    return this.#unanswered.has(keyOf(block, device));
  }

  async order(orders: BlockService, order: RetireOrder): Promise<void> {
    const key = keyOf(order.block, order.device);
    this.#unanswered.add(key);
    try {
      await orders.retire({ ...order, surplus: true });
    } catch (error) {
      const isRefused = hasCode(error, "StaleGeneration", "StaleTerm", "Changed");
      if (isRefused) this.#unanswered.delete(key);
      throw error;
    }
    this.#unanswered.delete(key);
  }
}

const keyOf = (block: BlockId, device: DeviceId): string => `${block} ${device}`;
