/**
 * Keeps copies of the metadata in blocks: snapshots of the state, and in between the entries of the log,
 * every few seconds while clients change something. What losing the nameservers' folders can cost is
 * what came after the last run of entries.
 */
import type { LogIndex } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Entry } from "../../raft/entry.ts";
import { isClientCommand } from "../client-commands.ts";
import { decodeCommand } from "../command.ts";
import type { Retention } from "../group/retention.ts";
import { logTime, type WorkContext, type Worker } from "../workers/worker.ts";
import { formOf } from "./compressed.ts";
import { copyBlob } from "./copy-blobs.ts";
import { CopyNeedles, type CopyNeedlesOptions } from "./copy-needles.ts";
import { type KnownCopies, knownCopies, reach, surplus } from "./known-copies.ts";
import { encodeLogRun } from "./log-run.ts";
import { SnapshotWriter } from "./snapshot-writer.ts";

export interface CopySettings {
  /** How often entries of the log are written into blocks. */
  readonly logMs: number;
  /** How often a snapshot is, when something has changed … */
  readonly snapshotMs: number;
  /** … or when entries since the last one come to its size, and to this. */
  readonly snapshotBytes: number;
}

export const defaultCopies: CopySettings = {
  logMs: limits.copyLogMs,
  snapshotMs: limits.copySnapshotMs,
  snapshotBytes: limits.copySnapshotBytes,
};

export interface CopiesOptions extends Omit<CopyNeedlesOptions, "blocks">, CopySettings {
  readonly log: Pick<Retention, "entriesAfter" | "keepEntriesAfter">;
}

/** Room for the heads of entries. */
const RUN_BYTES = limits.chunkBytes / 2;

export class Copies implements Worker {
  readonly name = "copies of the metadata";
  readonly #context: WorkContext;
  readonly #options: CopiesOptions;
  readonly #needles: CopyNeedles;
  #term: number | undefined;
  #isStale = false;
  #known: KnownCopies = { snapshots: [], runs: [] };
  /** Entries up to here need not be written any more. */
  #through: LogIndex | undefined;
  #loggedMs: number;
  #writing: SnapshotWriter | undefined;
  #beganMs = 0;
  #restUntilMs: number;

  constructor(context: WorkContext, options: CopiesOptions) {
    this.#context = context;
    this.#options = options;
    this.#needles = new CopyNeedles({ ...options, blocks: context.blocks });
    this.#loggedMs = context.clock.monotonicMs();
    // A store that was just started has better things to do.
    this.#restUntilMs = this.#loggedMs + options.logMs;
  }

  async step(): Promise<boolean> {
    try {
      return await this.#turn();
    } catch (error) {
      // What was asked for may have happened, or somebody else has done it.
      this.#isStale = true;
      throw error;
    }
  }

  async #turn(): Promise<boolean> {
    const { group, clock } = this.#context;
    if (group.term !== this.#term || this.#isStale) await this.#learn();
    if (await this.#dropSurplus()) return true;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#loggedMs >= this.#options.logMs) {
      if (!(await this.#needles.canWrite())) {
        this.#loggedMs = nowMs;
        return false;
      }
      if (await this.#writeRun()) return true;
      this.#loggedMs = nowMs;
    }
    // Not `true`: the pause between turns is what keeps snapshots from getting in the way.
    if (this.#writing !== undefined) await this.#goOn(this.#writing);
    else if (nowMs >= this.#restUntilMs && (await this.#isSnapshotDue())) await this.#begin();
    return false;
  }

  /** Writes what there is: this nameserver is about to end. */
  async end(): Promise<void> {
    await this.#release();
    if (!this.#context.group.isLeader || this.#through === undefined) return;
    while (await this.#writeRun());
  }

  async #release(): Promise<void> {
    await this.#writing?.[Symbol.asyncDispose]();
    this.#writing = undefined;
  }

  /** Another leader may have written copies since. */
  async #learn(): Promise<void> {
    const { group } = this.#context;
    const { term } = group;
    if (term !== this.#term) await this.#release();
    // A leader that is new to it may not have applied yet what the one before it did.
    await group.readBarrier();
    this.#known = await knownCopies(group.state);
    this.#through = reach(this.#known) ?? this.#writing?.head.index;
    this.#options.log.keepEntriesAfter(this.#through);
    this.#term = term;
    this.#isStale = false;
  }

  async #dropSurplus(): Promise<boolean> {
    const dropped = surplus(this.#known).slice(0, limits.copiesDropped);
    if (dropped.length === 0) return false;
    const copies = dropped.map(({ kind, index }) => ({ kind, index }));
    await this.#context.group.propose({ type: "dropCopies", copies });
    // Not read again: a day leaves thousands of runs, which go a few at a time.
    const gone = new Set<unknown>(dropped);
    const { snapshots, runs } = this.#known;
    this.#known = {
      snapshots: snapshots.filter((one) => !gone.has(one)),
      runs: runs.filter((one) => !gone.has(one)),
    };
    return true;
  }

  /** Writes one run of entries, if any of them matters; true when there are more of them by now. */
  async #writeRun(): Promise<boolean> {
    const { group } = this.#context;
    if (this.#through === undefined) return false;
    // What comes meanwhile waits for its own time, or there would be a run for every few entries.
    const { applied } = group;
    const entries = this.#options.log.entriesAfter(this.#through, RUN_BYTES);
    if (entries === undefined) {
      // A gap: only a snapshot helps.
      this.#through = undefined;
      return false;
    }
    const [first] = entries;
    const last = entries.at(-1);
    if (first === undefined || last === undefined) return false;
    const isMore = last.index < applied;
    // A run that is full goes, whatever is in it: what matters may follow.
    if (!isMore && !entries.some(matters)) return false;
    const { index } = first;
    const data = await encodeLogRun(entries, formOf(group.state));
    const owner = { blob: copyBlob("log", index), chunk: 0 };
    const chunk = await this.#needles.append(owner, data, index);
    const run = { index, last: last.index, lengthBytes: data.length, registered: 0 };
    await group.propose({ type: "keepCopy", kind: "log", ...run, chunks: [chunk] });
    this.#reached(last.index);
    const row = { kind: "log", ...run, blob: owner.blob, ms: group.timeMs, bytes: data.length };
    this.#known = {
      ...this.#known,
      runs: [...this.#known.runs, row as KnownCopies["runs"][number]],
    };
    return isMore;
  }

  #reached(index: LogIndex): void {
    this.#through = index;
    this.#options.log.keepEntriesAfter(index);
  }

  async #isSnapshotDue(): Promise<boolean> {
    const { group, clock } = this.#context;
    if (!(await this.#needles.canWrite())) return false;
    const newest = this.#known.snapshots.at(-1);
    if (newest === undefined || this.#through === undefined) return true;
    if (this.#through <= newest.last) return false;
    const aged = logTime({ group, clock }) - newest.ms >= this.#options.snapshotMs;
    const since = this.#known.runs.filter(({ last }) => last > newest.last);
    const bytes = since.reduce((sum, run) => sum + run.bytes, 0);
    return aged || bytes >= Math.max(newest.bytes, this.#options.snapshotBytes);
  }

  async #begin(): Promise<void> {
    const { group, clock } = this.#context;
    this.#beganMs = clock.monotonicMs();
    this.#writing = await SnapshotWriter.begin(group, this.#needles);
    if (this.#writing === undefined) return;
    // Behind a gap the log goes on from here.
    if (this.#through === undefined) this.#reached(this.#writing.head.index);
    await this.#goOn(this.#writing);
  }

  async #goOn(writing: SnapshotWriter): Promise<void> {
    const { group, clock } = this.#context;
    let isKept = false;
    try {
      isKept = await writing.step();
    } catch (error) {
      this.#restUntilMs = clock.monotonicMs() + limits.copyRetryMs;
      await this.#release();
      await writing.giveUp();
      throw error;
    }
    if (!isKept) return;
    await this.#release();
    const tookMs = clock.monotonicMs() - this.#beganMs;
    this.#restUntilMs = clock.monotonicMs() + tookMs * limits.copySnapshotRest;
    this.#known = await knownCopies(group.state);
  }
}

/** Whether it changed something that blocks could not tell by themselves. */
function matters({ kind, data }: Entry): boolean {
  return kind === "command" && isClientCommand(decodeCommand(data).type);
}
