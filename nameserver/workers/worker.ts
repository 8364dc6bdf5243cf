/** Work that the leader gives itself, in bounded steps, one worker after the other. */
import { type Clock, sleep } from "../../base/clock.ts";
import type { QuarryError } from "../../base/errors.ts";
import type { BlockService } from "../../rpc/block-service.ts";
import type { BlockClaims } from "../block-claims.ts";
import type { Group } from "../group/group.ts";
import { HarmedRow } from "../row-codec.ts";

/** Of the troubles of one worker. */
const TELL_MS = 60_000;

export interface WorkContext {
  readonly group: Group;
  readonly blocks: BlockService;
  readonly clock: Clock;
  readonly report: (message: string) => void;
  /** The state of this nameserver cannot be read, and there are others who have it. */
  readonly onHarmed?: ((harm: QuarryError) => unknown) | undefined;
  /** Shared with the planner, where there is one. */
  readonly claims?: BlockClaims;
}

export interface Worker {
  readonly name: string;
  /** Does a bounded piece of work; true when there is more to do at once. */
  step(): Promise<boolean>;
  /** Called once, when no step follows. */
  end?(): Promise<void>;
}

/** The time that a command proposed now would carry, at the least. */
export function logTime({ group, clock }: Pick<WorkContext, "group" | "clock">): number {
  return Math.max(group.timeMs, clock.nowMs());
}

/** Runs the workers in turn until it is disposed; only while this nameserver leads. */
export class Workers implements AsyncDisposable {
  readonly #context: Omit<WorkContext, "blocks">;
  readonly #workers: readonly Worker[];
  readonly #pauseMs: number;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #complaints = new Map<string, { readonly problem: string; readonly atMs: number }>();

  constructor(context: Omit<WorkContext, "blocks">, workers: readonly Worker[], pauseMs: number) {
    this.#context = context;
    this.#workers = workers;
    this.#pauseMs = pauseMs;
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    for (const worker of this.#workers)
      await worker.end?.().catch((error: unknown) => this.#complain(worker.name, String(error)));
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const more = this.#context.group.isLeader && (await this.round(signal));
      if (!more) await sleep(this.#context.clock, this.#pauseMs, signal);
    }
  }

  /** One step of each; true when some worker has more to do at once. */
  async round(signal?: AbortSignal): Promise<boolean> {
    let more = false;
    for (const worker of this.#workers) {
      if (signal?.aborted === true) return false;
      try {
        more = (await worker.step()) || more;
        this.#recovered(worker.name);
      } catch (error) {
        if (error instanceof HarmedRow) this.#context.onHarmed?.(error);
        this.#complain(worker.name, String(error));
      }
    }
    return more;
  }

  /** The same trouble is told once, and others (now this device, now that) once in a while. */
  #complain(name: string, problem: string): void {
    const told = this.#complaints.get(name);
    const atMs = this.#context.clock.monotonicMs();
    if (told !== undefined && (told.problem === problem || atMs - told.atMs < TELL_MS)) return;
    this.#complaints.set(name, { problem, atMs });
    this.#context.report(`${name} will try again: ${problem}`);
  }

  #recovered(name: string): void {
    const told = this.#complaints.get(name);
    if (told !== undefined) this.#complaints.set(name, { ...told, problem: "" });
  }
}
