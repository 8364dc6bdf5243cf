/** Devices that are out, and what they still hold: told, and told once more when that is nothing. */
import type { DeviceId } from "../../base/ids.ts";
import type { HealingProgress } from "../../rpc/healing.ts";
import type { Stock } from "../stock/stock.ts";
import type { Devices } from "./devices.ts";

export class Leaving {
  readonly #waited = new Set<DeviceId>();

  clear(): void {
    this.#waited.clear();
  }

  /** Of one that is down it does not matter what it had: that is made anew from the others. */
  of(devices: Devices, stock: Stock): HealingProgress["leaving"] {
    return [...devices].flatMap(([device, { isIn, state }]) => {
      const blocks = stock.of(device)?.size;
      return isIn || state === "down" || blocks === 0
        ? []
        : [{ device, ...(blocks !== undefined && { blocks }) }];
    });
  }

  /** Those that hold nothing any more, and did when this was asked before. */
  emptied(devices: Devices, stock: Stock): DeviceId[] {
    const leaving = new Set(this.of(devices, stock).map(({ device }) => device));
    const empty = [...this.#waited].filter((device) => !leaving.has(device));
    this.#waited.clear();
    for (const device of leaving) this.#waited.add(device);
    return empty.filter((device) => {
      const facts = devices.get(device);
      return facts?.isIn === false && facts.state !== "down";
    });
  }
}
