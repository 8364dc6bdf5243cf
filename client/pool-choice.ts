/**
 * Into which pool a chunk goes: its storage class names one for small objects and one for large ones.
 * The classes are remembered, and asked for again now and then beside the work.
 */
import type { Clock } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { type ClusterMap, emptyMap } from "../rpc/cluster-map.ts";
import type { NameService } from "../rpc/name-service.ts";
import { STANDARD } from "../rpc/pool.ts";

/** What is known of an object when its chunks are placed. */
export interface Placed {
  /** Default `STANDARD`. */
  readonly storageClass?: string | undefined;
  /** Absent when its sender does not say: each chunk is judged by its own length. */
  readonly objectBytes?: number | undefined;
}

export class PoolChoice {
  readonly #names: Pick<NameService, "clusterMap">;
  readonly #clock: Clock;
  #map: ClusterMap = emptyMap;
  #askedMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  #isKnown = false;

  constructor(names: Pick<NameService, "clusterMap">, clock: Clock) {
    this.#names = names;
    this.#clock = clock;
  }

  /** A chunk too small for k pieces goes where the small objects are. */
  async poolOf(placed: Placed, chunkBytes: number): Promise<number> {
    const known = this.known(placed, chunkBytes);
    if (known !== undefined) return known;
    await this.#ask();
    const pool = this.#choose(placed, chunkBytes);
    if (pool !== undefined) return pool;
    throw new QuarryError("NoSuchStorageClass", `there is no storage class ${placed.storageClass}`);
  }

  /** The same at once, unless it has to be asked for: a class may be younger than what is remembered. */
  known(placed: Placed, chunkBytes: number): number | undefined {
    if (!this.#isKnown) return undefined;
    // What is known stays good until it could be asked again.
    if (this.#clock.monotonicMs() - this.#askedMs >= limits.poolsKeptMs)
      this.#ask().catch(() => undefined);
    return this.#choose(placed, chunkBytes);
  }

  /** What is remembered has proved wrong. */
  forget(): void {
    this.#isKnown = false;
  }

  #choose({ storageClass, objectBytes }: Placed, chunkBytes: number): number | undefined {
    const name = storageClass ?? STANDARD.name;
    const found = this.#map.storageClasses.find((one) => one.name === name);
    if (found === undefined) return undefined;
    const { small, large, thresholdBytes } = found;
    if (large === small || (objectBytes ?? chunkBytes) < thresholdBytes) return small;
    const k = this.#map.pools.find(({ id }) => id === large)?.scheme.k ?? 1;
    return k > 1 && chunkBytes < k * limits.pieceBytesMin ? small : large;
  }

  /** All who want to know at the same time are told by one answer. */
  #ask(): Promise<void> {
    this.#askedMs = this.#clock.monotonicMs();
    this.#asking ??= this.#names
      .clusterMap(this.#map.epoch)
      .then(({ map }) => {
        this.#map = map ?? this.#map;
        this.#isKnown = true;
      })
      .finally(() => {
        this.#asking = undefined;
      });
    return this.#asking;
  }
}
