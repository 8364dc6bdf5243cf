/** What a cluster says of its health all the time, and when it last said what. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Health, HealthLevel } from "../../rpc/health.ts";
import type { Cluster } from "../cluster.ts";

const LOOK_MS = 300;

export class HealthWatch implements AsyncDisposable {
  /** How often each was said. */
  readonly said = new Map<HealthLevel | "nothing", number>();
  #last: Health | undefined;
  #isOver = false;
  readonly #watching: Promise<void>;

  constructor(cluster: Cluster) {
    this.#watching = this.#watch(cluster);
  }

  get last(): Health | undefined {
    return this.#last;
  }

  /** Healthy, and all of it was read since that moment of the wall clock. */
  isHealthySince(wallMs: number): boolean {
    const { level, oldestCheckMs = 0, asOfMs } = this.#last ?? { level: "lost", asOfMs: 0 };
    return level === "healthy" && oldestCheckMs > wallMs && asOfMs > wallMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#watching;
  }

  async #watch(cluster: Cluster): Promise<void> {
    await using client = cluster.group.client();
    while (!this.#isOver) {
      const health = await client.names.health().catch(() => undefined);
      this.#last = health;
      const level = health?.level ?? "nothing";
      this.said.set(level, (this.said.get(level) ?? 0) + 1);
      await sleep(LOOK_MS);
    }
  }
}
