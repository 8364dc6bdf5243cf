/**
 * Where blocks are, for one who may have no nameserver to ask: what the nameservers say counts, and while
 * they say nothing a block is where the cluster map puts it. One that proves not to be there, since it is
 * on its way, is with any other device. What was only guessed has generation 0, which no block has.
 */
import { type Clock, endsWithin } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import type { BlockId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { type ClusterMap, emptyMap } from "../../rpc/cluster-map.ts";
import type { NameService, OpenBlock } from "../../rpc/name-service.ts";
import { placementOf } from "../../rpc/placement.ts";
import { layoutOf } from "../../rpc/pool.ts";
import type { BlockLocations } from "../members.ts";
import { isSilence, Remembered } from "./remembered.ts";

const THE_MAP = "map";

export class FidLocations implements BlockLocations {
  readonly #asked: BlockLocations;
  readonly #clock: Clock;
  readonly #map: Remembered<typeof THE_MAP, ClusterMap>;
  #aloneMs = Number.NEGATIVE_INFINITY;
  /** Blocks that were guessed, and those of them that were not found so. */
  readonly #guessed = new Set<BlockId>();
  readonly #strays = new Set<BlockId>();

  constructor(asked: BlockLocations, names: Pick<NameService, "clusterMap">, clock: Clock) {
    this.#asked = asked;
    this.#clock = clock;
    let map = emptyMap;
    this.#map = new Remembered({
      clock,
      ask: async () => {
        const answer = await names.clusterMap(map.epoch);
        map = answer.map ?? map;
        return map;
      },
      ...{ freshMs: limits.fidAppKeptMs, keptMs: Number.POSITIVE_INFINITY, most: 1 },
    });
  }

  /** Learns the map while there is somebody to ask. */
  async prepare(): Promise<void> {
    await this.#map.of(THE_MAP);
  }

  known(block: BlockId): OpenBlock | undefined {
    return this.#asked.known(block);
  }

  forget(block: BlockId): void {
    this.#asked.forget(block);
    if (!this.#guessed.delete(block)) return;
    if (this.#strays.size >= limits.locationsKept) this.#strays.clear();
    this.#strays.add(block);
  }

  /** @throws QuarryError `NoSuchBlock`; `Unavailable` when neither nameservers nor a map tell. */
  async of(block: BlockId): Promise<OpenBlock> {
    const known = this.#asked.known(block);
    if (known !== undefined) return known;
    const asking = this.#asked.of(block);
    const isAlone = this.#clock.monotonicMs() - this.#aloneMs < limits.fidAloneMs;
    try {
      if (!isAlone && (await endsWithin(this.#clock, asking, limits.fidAskMs))) {
        this.#strays.delete(block);
        return await asking;
      }
    } catch (error) {
      if (!isSilence(error)) throw error;
    }
    asking.then(
      () => {
        this.#aloneMs = Number.NEGATIVE_INFINITY;
      },
      () => undefined,
    );
    this.#aloneMs = this.#clock.monotonicMs();
    return this.#placed(block, await this.#map.of(THE_MAP));
  }

  #placed(block: BlockId, map: ClusterMap): OpenBlock {
    const placement = placementOf(map);
    const pool = placement.poolOf(block);
    if (pool === undefined) throw new QuarryError("NoSuchBlock", `no pool has block ${block}`);
    const { id, scheme } = pool;
    const places = placement.devicesOf(block).map((device) => device ?? null);
    if (this.#guessed.size >= limits.locationsKept) this.#guessed.clear();
    this.#guessed.add(block);
    const guess = { block, generation: 0, pool: id, layout: layoutOf(scheme) };
    if (scheme.k > 1 || !this.#strays.has(block)) return { ...guess, scheme, members: places };
    const all = new Set([...places, ...map.devices.map(({ device }) => device)]);
    const members = [...all].filter((device) => device !== null).slice(0, limits.fidDevicesAsked);
    return { ...guess, scheme: { k: 1, m: members.length - 1 }, members };
  }
}
