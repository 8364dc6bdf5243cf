/**
 * A leader whose disk has no room for the log, or hangs, cannot go on, while others may: it gives
 * leadership away, and tells its clients to look for another leader as long as that has a chance.
 */
import type { Clock } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Status } from "../../raft/raft.ts";
import { noLeader } from "./failures.ts";
import { type HandOver, handOver } from "./hand-over.ts";

export class GiveWay {
  readonly #options: HandOver;
  #sinceMs: number | undefined;
  #isTrying = false;

  constructor(clock: Clock, leader: { readonly status: Status; transfer(to: NodeId): void }) {
    const transfer = (to: NodeId) => leader.transfer(to);
    this.#options = { clock, transfer, status: () => leader.status };
  }

  /** What a client is told that wants a change meanwhile. */
  refusal(): QuarryError {
    return this.hasChance
      ? noLeader()
      : new QuarryError("DiskFull", "the disk of the metadata is full; free some room");
  }

  /** Another one may lead soon. */
  get hasChance(): boolean {
    const { clock, status } = this.#options;
    const { voters } = status().configuration;
    if (voters.length < 2 || this.#sinceMs === undefined) return false;
    return clock.monotonicMs() - this.#sinceMs < limits.groupHandOverMs;
  }

  /** It cannot go on, still or again. */
  async stuck(): Promise<void> {
    const { clock } = this.#options;
    this.#sinceMs ??= clock.monotonicMs();
    if (this.#isTrying) return;
    this.#isTrying = true;
    await handOver(this.#options, limits.groupHandOverMs);
    this.#isTrying = false;
  }

  /** It can. */
  over(): void {
    this.#sinceMs = undefined;
  }
}
