/** A state that a cluster was registered in by commands, and its map. */
import type { DeviceId, ServerId } from "../../base/ids.ts";
import { LEVEL } from "../../base/version.ts";
import type { AnyCommand, AnyResult } from "../../nameserver/command.ts";
import { readMap } from "../../nameserver/queries/cluster-map.ts";
import { StateMachine } from "../../nameserver/state-machine.ts";
import { MemoryState } from "../../nameserver/state-memory.ts";
import type { ClusterMap, Location } from "../../rpc/cluster-map.ts";
import type { Pool } from "../../rpc/pool.ts";
import { commandEntry } from "./command-entry.ts";

const uuid = (kind: number, number: number): string =>
  `${kind.toString(16).padStart(8, "0")}-0000-4000-8000-${number.toString(16).padStart(12, "0")}`;
export const serverId = (number: number) => uuid(1, number) as ServerId;
export const deviceId = (number: number) => uuid(2, number) as DeviceId;

export const GIBIBYTE = 2 ** 30;

export class ClusterState {
  readonly store = new MemoryState();
  readonly machine = new StateMachine(this.store);

  readonly propose = async (command: AnyCommand): Promise<AnyResult> => {
    if (this.machine.applied === 0) await this.#apply({ type: "raiseLevel", level: LEVEL });
    return await this.#apply(command);
  };

  readonly #apply = async (command: AnyCommand): Promise<AnyResult> => {
    const entry = commandEntry(this.machine.applied + 1, 1_000, command);
    const [outcome] = await this.machine.applyRun([entry]);
    if (outcome === undefined || "refusal" in outcome) throw outcome?.refusal;
    return outcome.result;
  };

  /** A dataserver with these devices, by number, each of so many GiB. */
  async register(
    server: number,
    location: Location,
    devices: readonly (readonly [number: number, gibibytes: number, kind?: string])[],
  ): Promise<void> {
    await this.propose({
      type: "registerDataserver",
      server: serverId(server),
      address: `host${server}:7000`,
      location,
      version: "1",
      devices: devices.map(([number, gibibytes, kind]) => ({
        device: deviceId(number),
        capacityBytes: gibibytes * GIBIBYTE,
        ...(kind !== undefined && { class: kind }),
      })),
    });
  }

  /** Racks of two hosts of two devices. */
  async registerHosts(first: number, last: number): Promise<void> {
    for (let host = first; host <= last; host++)
      await this.register(host, { rack: `rack${host >> 1}`, host: `host${host}` }, [
        [host * 2, 900 + ((host * 37) % 200)],
        [host * 2 + 1, 1_800],
      ]);
  }

  async pool(name: string, settings: Partial<Omit<Pool, "id" | "name">>): Promise<number> {
    const result = await this.propose({ type: "createPool", name, settings });
    if (result.type !== "pool") throw new TypeError("a pool is answered with its id");
    return result.pool;
  }

  async map(): Promise<ClusterMap> {
    await using view = this.store.snapshot();
    return await readMap(view);
  }
}
