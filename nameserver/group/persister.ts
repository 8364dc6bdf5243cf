/**
 * Makes what the Raft core wants kept durable, in its order. While one write is under way the next
 * ones gather, and share its sync. A full disk is waited out, and one that hangs: what the core has in
 * its log cannot be taken back, only kept from growing.
 */
import { type Clock, sleep } from "../../base/clock.ts";
import type { Disk } from "../../base/disk.ts";
import { hasCode, type QuarryError } from "../../base/errors.ts";
import type { Entry } from "../../raft/entry.ts";
import type { Message } from "../../raft/message.ts";
import type { Persist } from "../../raft/outputs.ts";
import type { Log } from "../log/log.ts";
import type { GiveWay } from "./give-way.ts";
import { StallWatch } from "./stall-watch.ts";
import { writeVote } from "./vote-file.ts";

const FULL_PAUSE_MS = 500;

export interface PersisterOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly directory: string;
  readonly log: Log;
  readonly report: (message: string) => void;
  /** Everything up to this sequence is durable; the messages that waited for it may leave. */
  readonly onPersisted: (sequence: number, messages: readonly Message[]) => void;
  readonly onFailure: (error: unknown) => void;
  /**
   * Resolves when the log may grow. Entries are decided as soon as they are durable, so a member whose
   * state is slow would gather them without end; while it does not write them, nobody sends it more.
   */
  readonly mayGrow: () => Promise<void>;
  /** Told with every attempt that there is no room, or no answer; and at last, that there is. */
  readonly room: GiveWay;
}

export class Persister {
  readonly #options: PersisterOptions;
  #waiting: Persist[] = [];
  #isRunning = false;
  #running: Promise<void> | undefined;
  #isFull = false;
  #isSilent = false;
  #stopped = false;
  readonly #stall: StallWatch;

  constructor(options: PersisterOptions) {
    this.#options = options;
    const { clock, room, report } = options;
    this.#stall = new StallWatch({
      clock,
      onStalled: () => {
        // Full is what it is while it waits for room.
        if (this.#isFull) return;
        if (!this.#isSilent)
          report("the disk of the metadata does not answer: changes wait for it");
        this.#isSilent = true;
        void room.stuck();
      },
      onOver: () => {
        if (this.#isSilent) report("the disk of the metadata answers again");
        this.#isSilent = false;
        room.over();
      },
    });
  }

  /** Nothing new should be proposed: the disk has no room for the log, or hangs and others may do better. */
  get isStuck(): boolean {
    return this.#isFull || (this.#isSilent && this.#options.room.hasChance);
  }

  /** What whoever proposes is told while it is stuck. */
  refusal(): QuarryError {
    return this.#options.room.refusal();
  }

  add(persist: Persist): void {
    this.#waiting.push(persist);
    if (!this.#isRunning) this.#running = this.#run();
  }

  /** Ends after the write under way; what waits for room is given up. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      while (this.#waiting.length > 0 && !this.#stopped) {
        if (isPlain(this.#waiting[0])) await this.#options.mayGrow();
        const run = this.#takeRun();
        await this.#stall.during(() => this.#write(run));
        const last = run.at(-1);
        const messages = run.flatMap(({ thenSend }) => thenSend);
        if (last !== undefined && !this.#stopped)
          this.#options.onPersisted(last.sequence, messages);
      }
    } catch (error) {
      this.#stopped = true;
      this.#options.onFailure(error);
    } finally {
      this.#isRunning = false;
    }
  }

  /** The next, and all behind it that only bring more entries. */
  #takeRun(): Persist[] {
    let count = 1;
    while (count < this.#waiting.length && isPlain(this.#waiting[count])) count++;
    return this.#waiting.splice(0, count);
  }

  async #write(run: readonly Persist[]): Promise<void> {
    const { disk, directory, log } = this.#options;
    const [first] = run;
    if (first?.hardState !== undefined) {
      const { hardState } = first;
      await this.#withRoom(() => writeVote(disk, directory, hardState));
    }
    if (first?.reset !== undefined) {
      const { reset } = first;
      await this.#withRoom(() => log.reset(reset));
    }
    const entries = joined(run.map((one) => one.entries));
    await this.#withRoom(() => log.append(entries));
  }

  /** Repeats what finds no room until it does. */
  async #withRoom(write: () => Promise<void>): Promise<void> {
    const { clock, report, room } = this.#options;
    while (!this.#stopped) {
      try {
        await write();
        if (this.#isFull) {
          report("there is room for metadata again");
          room.over();
        }
        this.#isFull = false;
        return;
      } catch (error) {
        if (!hasCode(error, "DiskFull")) throw error;
        if (!this.#isFull)
          report("the disk of the metadata is full: changes wait until there is room");
        this.#isFull = true;
        void room.stuck();
        await sleep(clock, FULL_PAUSE_MS);
      }
    }
  }
}

function isPlain(persist: Persist | undefined): boolean {
  return persist !== undefined && persist.hardState === undefined && persist.reset === undefined;
}

/** Lists of entries as one, where a later list takes the place of what it overlaps. */
function joined(lists: readonly (readonly Entry[])[]): readonly Entry[] {
  const [only] = lists;
  if (lists.length === 1 && only !== undefined) return only;
  const all: Entry[] = [];
  for (const list of lists) {
    const [first] = list;
    const begin = all[0];
    if (first === undefined) continue;
    if (begin !== undefined)
      all.length = Math.max(0, Math.min(all.length, first.index - begin.index));
    all.push(...list);
  }
  return all;
}
