/**
 * The load under which a store suffers a fault: writers with keys of their own, clients that meet on
 * shared keys, and the judgement of what all of them were told.
 */
import { Dice } from "../../raft/testing/dice.ts";
import { OwnKeys } from "./own-keys.ts";
import { Progress, type Quantiles } from "./progress.ts";
import type { Registers } from "./registers.ts";
import { SharedKeys } from "./shared-keys.ts";

/** After so long without any acknowledgement the store counts as standing still. */
const STANDS_STILL_MS = 30_000;
const COMPLAINTS_TOLD = 10;

export interface LoadOptions {
  /** Whom writers and clients ask. */
  readonly clients: readonly Registers[];
  readonly seed: number;
  /** Default 16, as many as they can. */
  readonly writers?: number;
  /** Clients of the shared keys; default 8. */
  readonly meeting?: number;
}

export interface LoadCounts {
  readonly acknowledged: number;
  readonly lost: number;
  readonly wrong: number;
  readonly violations: number;
  /** Changes of which nobody could say whether they were made. */
  readonly unknown: number;
  /** What the checker of linearizability was given. */
  readonly judged: { readonly keys: number; readonly operations: number; readonly lists: number };
  /** Keys that it could not decide. */
  readonly undecided: number;
  /** From each fault to the first acknowledgement of a change that was asked for after it. */
  readonly firstAcknowledgedMs: Quantiles;
  readonly longestGapMs: number;
  /** Of every acknowledged change. */
  readonly latencyMs: Quantiles;
  readonly complaints: readonly string[];
}

export class GroupLoad {
  readonly progress = new Progress();
  readonly shared: SharedKeys;
  readonly own: OwnKeys;
  readonly dice: Dice;
  readonly #first: Registers;
  readonly #running: Promise<unknown>;
  readonly #more: Promise<unknown>[] = [];
  #isOver = false;
  #hasFailed = false;

  private constructor(options: LoadOptions, first: Registers) {
    const { clients, seed, writers = 16, meeting = 8 } = options;
    this.dice = new Dice(seed);
    this.#first = first;
    this.own = new OwnKeys(clients, this.progress);
    this.shared = new SharedKeys(this.progress);
    const isOver = () => this.isOver;
    const dice = () => new Dice(this.dice.u32());
    const all = [
      ...Array.from({ length: writers }, (_, i) => this.own.write(i, dice(), isOver)),
      ...Array.from({ length: meeting }, (_, i) =>
        this.shared.ask(i + 1, clients[i % clients.length] ?? first, dice(), isOver),
      ),
      this.shared.close(first, isOver),
    ];
    this.#running = Promise.all(all.map((one) => this.#guarded(one)));
  }

  static async begin(options: LoadOptions): Promise<GroupLoad> {
    const [first] = options.clients;
    if (first === undefined) throw new Error("a load needs a client");
    await first.prepare();
    return new GroupLoad(options, first);
  }

  get isOver(): boolean {
    return this.#isOver || this.#hasFailed;
  }

  /** Nothing was found so far that makes going on useless. */
  get isWell(): boolean {
    return !this.isOver && this.complaints().length === 0;
  }

  /** More that goes on beside until the load is over. */
  beside(work: Promise<unknown>): void {
    this.#more.push(this.#guarded(work));
  }

  complain(what: string): void {
    this.own.model.complaints.push(what);
  }

  /** A fault begins now. */
  mark(): void {
    this.progress.mark();
  }

  async acknowledgedAgain(): Promise<void> {
    if (!(await this.progress.again(STANDS_STILL_MS)))
      this.complain(`no change was acknowledged for ${STANDS_STILL_MS} ms`);
  }

  complaints(): string[] {
    return [...this.own.model.complaints, ...this.shared.recorder.wrong];
  }

  /** Stops asking, looks at everything once more and judges what is left. */
  async finish(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    await Promise.all(this.#more);
    await this.#guarded(this.shared.closeAll(this.#first));
    await this.#guarded(this.own.verify());
    const { undecided } = this.shared.recorder;
    if (undecided > 0) this.complain(`${undecided} histories could not be decided`);
  }

  counts(): LoadCounts {
    const { model, unknown } = this.own;
    const { judged, operations, undecided, wrong } = this.shared.recorder;
    const { acknowledged, first, latency, longestGapMs } = this.progress;
    const complaints = this.complaints();
    return {
      acknowledged,
      lost: model.lost,
      wrong: model.wrong + wrong.length,
      violations: complaints.length,
      unknown: unknown + this.shared.unknown,
      judged: { keys: judged, operations, lists: this.shared.lists },
      undecided,
      firstAcknowledgedMs: first,
      longestGapMs: Math.round(longestGapMs),
      latencyMs: latency,
      complaints: complaints.slice(0, COMPLAINTS_TOLD),
    };
  }

  async #guarded(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#hasFailed = true;
      this.complain(`a request failed: ${String(error)}`);
    }
  }
}
