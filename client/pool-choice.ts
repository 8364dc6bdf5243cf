/**
 * Into which pool a chunk goes: its storage class names one for small objects and one for large ones.
 * The classes are remembered, and asked for again now and then beside the work.
 */
import type { Clock } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { type ClusterMap, emptyMap } from "../rpc/cluster-map.ts";
import type { NameService } from "../rpc/name-service.ts";
import { STANDARD, type StorageClass } from "../rpc/pool.ts";

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
  async poolOf({ storageClass, objectBytes }: Placed, chunkBytes: number): Promise<number> {
    await this.#learn();
    const name = storageClass ?? STANDARD.name;
    const found = this.#classOf(name) ?? (await this.#newClassOf(name));
    const { small, large, thresholdBytes } = found;
    if (large === small || (objectBytes ?? chunkBytes) < thresholdBytes) return small;
    const k = this.#map.pools.find(({ id }) => id === large)?.scheme.k ?? 1;
    return k > 1 && chunkBytes < k * limits.pieceBytesMin ? small : large;
  }

  #classOf(name: string): StorageClass | undefined {
    return this.#map.storageClasses.find((one) => one.name === name);
  }

  /** One that is younger than what is remembered. */
  async #newClassOf(name: string): Promise<StorageClass> {
    await this.#ask();
    const found = this.#classOf(name);
    if (found === undefined)
      throw new QuarryError("NoSuchStorageClass", `there is no storage class ${name}`);
    return found;
  }

  /** What is remembered has proved wrong. */
  forget(): void {
    this.#isKnown = false;
  }

  async #learn(): Promise<void> {
    const isDue = this.#clock.monotonicMs() - this.#askedMs >= limits.poolsKeptMs;
    if (this.#isKnown && !isDue) return;
    const asking = this.#asking ?? this.#ask();
    if (!this.#isKnown) await asking;
  }

  #ask(): Promise<void> {
    this.#askedMs = this.#clock.monotonicMs();
    this.#asking = this.#names
      .clusterMap(this.#map.epoch)
      .then(({ map }) => {
        this.#map = map ?? this.#map;
        this.#isKnown = true;
      })
      .finally(() => {
        this.#asking = undefined;
      });
    // Who waits for it is told; what is known already stays good until it can be asked again.
    this.#asking.catch(() => undefined);
    return this.#asking;
  }
}
