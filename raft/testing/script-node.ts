/** A node that does what a script says and tells everything it does. */
import type { NodeId } from "../../base/ids.ts";
import type { Configuration } from "../configuration.ts";
import { decodeConfiguration } from "../configuration-codec.ts";
import { type Entry, emptyState, type HardState, NOBODY, type StateHead } from "../entry.ts";
import type { Input } from "../input.ts";
import type { Message } from "../message.ts";
import type { Outputs, Persist, SnapshotTask } from "../outputs.ts";
import { Raft } from "../raft.ts";
import type { Rules } from "../rules.ts";
import type { Settings } from "../settings.ts";
import { formatEntry, formatPersist, formatTask } from "./format.ts";

export interface Stage {
  readonly settings: Settings;
  readonly rules: Rules;
  /** A lie of the disk: votes are reported durable, and lost. */
  readonly losesVote: boolean;
  nowMs: number;
  readonly say: (line: string) => void;
  readonly send: (message: Message) => void;
}

const PIECES = 2;
const PIECE_BYTES = 8;

export class ScriptNode {
  readonly id: NodeId;
  raft: Raft;
  rate = 1;
  /** Writes wait until the script lets them through. */
  holdsWrites = false;
  readonly #stage: Stage;
  #head: StateHead;
  #durable: { hardState: HardState | undefined; base: StateHead; entries: Entry[] };
  #writes: Persist[] = [];
  #role = "";

  constructor(id: NodeId, configuration: Configuration, stage: Stage) {
    this.id = id;
    this.#stage = stage;
    this.#head = emptyState(configuration);
    this.#durable = { hardState: undefined, base: this.#head, entries: [] };
    this.raft = this.#start();
  }

  /** The process dies and starts again, without what was not durable, and without `damaged` entries. */
  restart(damaged: number): void {
    this.#writes = [];
    this.holdsWrites = false;
    this.#role = "";
    if (damaged > 0 && this.#durable.hardState !== undefined) {
      this.#durable.entries.splice(-damaged);
      this.#durable.hardState = { ...this.#durable.hardState, mustNotVote: true };
    }
    if (this.#stage.losesVote && this.#durable.hardState !== undefined)
      this.#durable.hardState = { ...this.#durable.hardState, vote: NOBODY };
    this.#head = this.#durable.base;
    this.raft = this.#start();
    this.pump();
  }

  step(input: Input): void {
    const steadyMs = this.#stage.nowMs * this.rate;
    this.raft.step({ steadyMs, wallMs: this.#stage.nowMs }, input);
    this.pump();
  }

  /** Writes that wait become durable: all, or the first few. */
  sync(count = this.#writes.length): void {
    const writes = this.#writes.splice(0, count);
    for (const { hardState, reset, entries, thenSend, sequence } of writes) {
      if (hardState !== undefined) this.#durable.hardState = hardState;
      if (reset !== undefined) this.#durable = { ...this.#durable, base: reset, entries: [] };
      const first = entries[0];
      if (first !== undefined) {
        this.#durable.entries.length = first.index - this.#durable.base.index - 1;
        this.#durable.entries.push(...entries);
      }
      for (const message of thenSend) this.#stage.send(message);
      this.step({ type: "persisted", sequence });
    }
  }

  /** The state is durable: the log is cut up to it. */
  compact(): void {
    this.#durable.entries.splice(0, this.#head.index - this.#durable.base.index);
    this.#durable.base = this.#head;
    this.step({ type: "compact", index: this.#head.index });
  }

  pump(): void {
    for (;;) {
      const outputs = this.raft.take();
      if (outputs === undefined) break;
      this.#carryOut(outputs);
    }
    const { role, term } = this.raft.status;
    if (role !== this.#role && this.#role !== "") this.#say(`is ${role} in term ${term}`);
    this.#role = role;
    if (this.#writes.length > 0 && !this.holdsWrites) this.sync();
  }

  #start(): Raft {
    const { settings, rules, nowMs } = this.#stage;
    const { hardState, base, entries } = this.#durable;
    return new Raft({
      id: this.id,
      settings,
      rules,
      // Chance would make scripts hard to read: higher ids wait longer.
      random: () => this.id * 2 ** 28,
      nowMs: nowMs * this.rate,
      hardState,
      state: this.#head,
      base,
      entries: [...entries],
    });
  }

  #carryOut(outputs: Outputs): void {
    const { persist } = outputs;
    if (persist !== undefined) {
      const what = formatPersist(persist);
      if (what !== "") this.#say(`writes ${what}`);
      this.#writes.push(persist);
    }
    for (const message of outputs.send) this.#stage.send(message);
    for (const entry of outputs.committed) this.#apply(entry);
    for (const { id, index } of outputs.reads) this.#say(`answers read ${id} at ${index}`);
    for (const id of outputs.failedReads) this.#say(`cannot answer read ${id}`);
    for (const { index, term } of outputs.accepted)
      this.#say(`is told: accepted at ${index}@${term}`);
    for (const { reason, message } of outputs.refused) this.#say(`refuses: ${reason}: ${message}`);
    for (const task of outputs.snapshots) this.#snapshot(task);
  }

  #apply(entry: Entry): void {
    this.#say(`applies ${formatEntry(entry)}`);
    const { index, term, timeMs, kind, data } = entry;
    const configuration =
      kind === "configuration" ? decodeConfiguration(data) : this.#head.configuration;
    this.#head = { index, term, timeMs, configuration };
  }

  #snapshot(task: SnapshotTask): void {
    this.#say(formatTask(task));
    if (task.type === "read") {
      const { to, offset } = task;
      const last = offset === (PIECES - 1) * PIECE_BYTES;
      const bytes = Buffer.alloc(PIECE_BYTES);
      const piece = { id: this.#head.index + 100, head: this.#head, offset, bytes, last };
      this.step({ type: "snapshotPiece", to, piece });
    } else if (task.type === "store") this.step({ type: "snapshotStored", id: task.piece.id });
    else if (task.type === "install") {
      this.#head = task.piece.head;
      this.step({ type: "snapshotInstalled", id: task.piece.id });
    }
  }

  #say(what: string): void {
    this.#stage.say(`${this.id} ${what}`);
  }
}
