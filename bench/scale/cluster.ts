/** The metadata of the simulated cluster: registered and filled by real commands, held in memory. */
import { assert } from "../../base/errors.ts";
import type { BlockId, LogIndex } from "../../base/ids.ts";
import { LEVEL } from "../../base/version.ts";
import type { AnyCommand, AnyResult } from "../../nameserver/command.ts";
import { ChangedBlocks } from "../../nameserver/planner/changed-blocks.ts";
import { readMap } from "../../nameserver/queries/cluster-map.ts";
import { StateMachine } from "../../nameserver/state-machine.ts";
import { MemoryState } from "../../nameserver/state-memory.ts";
import type { ClusterMap } from "../../rpc/cluster-map.ts";
import { blockPg, placementOf } from "../../rpc/placement.ts";
import { RANGE_BLOCKS } from "../../rpc/pool.ts";
import { deviceId, GIBIBYTE, serverId } from "../../test/metadata/cluster-state.ts";
import { commandEntry } from "../../test/metadata/command-entry.ts";
import type { Setting } from "./setting.ts";

/** Of each device; only that they are equal counts. */
const CAPACITY_BYTES = 4_096 * GIBIBYTE;
const BATCH = 500;
/** Where the objects are. */
export const POOL = 1;
/** Lower ids are those of the pool that is there from the start. */
const FIRST_BLOCK = RANGE_BLOCKS;

export interface Stand {
  readonly rack: number;
  readonly host: number;
}

export class Cluster {
  readonly store: MemoryState = new MemoryState();
  readonly changed: ChangedBlocks = new ChangedBlocks();
  readonly setting: Setting;
  /** By the number of the device. */
  readonly stands: Stand[] = [];
  readonly #machine = new StateMachine(this.store, undefined, (all) => this.changed.saw(all));
  #map: Promise<ClusterMap> | undefined;
  #applying: Promise<unknown> = Promise.resolve();

  private constructor(setting: Setting) {
    this.setting = setting;
  }

  /** Racks of equally many hosts, as far as they go. */
  static async registered(setting: Setting): Promise<Cluster> {
    const { devices, racks, hostDevices, scheme, pgNum } = setting;
    const cluster = new Cluster(setting);
    await cluster.propose({ type: "raiseLevel", level: LEVEL });
    const hosts = Math.ceil(devices / hostDevices);
    for (let device = 0; device < devices; device++) {
      const host = Math.floor(device / hostDevices);
      await cluster.register({ rack: Math.floor((host * racks) / hosts), host });
    }
    const settings = { scheme, failureDomain: "rack", pgNum } as const;
    const result = await cluster.propose({ type: "createPool", name: "objects", settings });
    assert(result.type === "pool" && result.pool === POOL, "the first pool that is made is this");
    return cluster;
  }

  get applied(): LogIndex {
    return this.#machine.applied;
  }

  /** One more dataserver with one device; its number. */
  async register({ rack, host }: Stand): Promise<number> {
    const number = this.stands.push({ rack, host }) - 1;
    await this.propose({
      ...{ type: "registerDataserver", server: serverId(number), version: "1" },
      address: `host${host}:${7000 + number}`,
      location: { rack: `rack${rack}`, host: `host${host}` },
      devices: [{ device: deviceId(number), capacityBytes: CAPACITY_BYTES }],
    });
    return number;
  }

  async propose(command: AnyCommand): Promise<AnyResult> {
    const [result] = await this.#apply([command]);
    if (result === undefined) throw new TypeError("each command has an outcome");
    if (!("block" in command)) this.#map = undefined;
    return result;
  }

  /** Read anew only when it may have changed, as nameservers do. */
  map(): Promise<ClusterMap> {
    this.#map ??= readMap(this.store);
    return this.#map;
  }

  /** So many sealed blocks, where CRUSH wants them. */
  async fill(count: number): Promise<void> {
    const { scheme } = this.setting;
    const placement = placementOf(await this.map());
    const pool = placement.pool(POOL);
    assert(pool !== undefined, "the pool was made before it is filled");
    for (let from = 0; from < count; from += BATCH) {
      const commands: AnyCommand[] = [];
      for (let n = from; n < Math.min(from + BATCH, count); n++) {
        const block = (FIRST_BLOCK + n) as BlockId;
        const members = placement.devicesOfPg(pool, blockPg(pool, block)).map((one) => one ?? null);
        commands.push({ type: "addBlock", block, generation: 1, pool: POOL, scheme, members });
        commands.push({ type: "sealBlock", block, generation: 1 });
      }
      await this.#apply(commands);
    }
    // The pool has taken ranges.
    this.#map = undefined;
  }

  /** One run after the other, as a log is applied. */
  #apply(commands: readonly AnyCommand[]): Promise<AnyResult[]> {
    const run = this.#applying.then(async () => {
      let index: number = this.#machine.applied;
      const entries = commands.map((one) => commandEntry(++index, 1_000, one));
      const outcomes = await this.#machine.applyRun(entries);
      return outcomes.map((one) => {
        if ("refusal" in one) throw one.refusal;
        return one.result;
      });
    });
    this.#applying = run.catch(() => undefined);
    return run;
  }
}
