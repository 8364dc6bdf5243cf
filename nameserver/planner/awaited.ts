/**
 * Devices that a block needs though they hold nothing of it yet: members that were not heard, places
 * where it belongs. With those that hold something of it they are all that its needs hang on.
 */
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { BlockView } from "./view.ts";

export class Awaited {
  readonly #byDevice = new Map<DeviceId, Set<BlockId>>();
  readonly #byBlock = new Map<BlockId, readonly DeviceId[]>();
  #pairs = 0;
  #isWhole = true;

  /** False: there are more than are remembered; who wants to know has to look at all blocks. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Blocks that need this device. */
  of(device: DeviceId): Iterable<BlockId> {
    return this.#byDevice.get(device) ?? [];
  }

  /** @param view Undefined: there is no such block. */
  looked(block: BlockId, view: BlockView | undefined): void {
    this.#forget(block);
    const devices = view === undefined ? [] : awaitedOf(view);
    if (devices.length === 0) return;
    if (this.#pairs + devices.length > limits.healingAwaited) {
      this.#isWhole = false;
      return;
    }
    this.#pairs += devices.length;
    this.#byBlock.set(block, devices);
    for (const device of devices) {
      const blocks = this.#byDevice.get(device);
      if (blocks === undefined) this.#byDevice.set(device, new Set([block]));
      else blocks.add(block);
    }
  }

  clear(): void {
    this.#byDevice.clear();
    this.#byBlock.clear();
    this.#pairs = 0;
    this.#isWhole = true;
  }

  #forget(block: BlockId): void {
    const devices = this.#byBlock.get(block);
    if (devices === undefined) return;
    this.#byBlock.delete(block);
    this.#pairs -= devices.length;
    for (const device of devices) this.#byDevice.get(device)?.delete(block);
  }
}

function awaitedOf({ row, wanted, holders }: BlockView): DeviceId[] {
  const devices: DeviceId[] = [];
  const consider = (device: DeviceId | null | undefined) => {
    if (device === null || device === undefined) return;
    if (!holders.has(device) && !devices.includes(device)) devices.push(device);
  };
  for (const device of row.members) consider(device);
  for (const device of wanted) consider(device);
  return devices;
}
