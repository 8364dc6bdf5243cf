/** The owner of one simulated node: its process, disk and clock, which may stop, fail and drift. */
import type { LogIndex, NodeId, Term } from "../../base/ids.ts";
import type { Entry } from "../entry.ts";
import type { Input } from "../input.ts";
import type { Message } from "../message.ts";
import type { Outputs, Refusal } from "../outputs.ts";
import { Raft, type Status } from "../raft.ts";
import type { Rules } from "../rules.ts";
import type { Settings } from "../settings.ts";
import type { Agenda } from "./agenda.ts";
import type { Dice } from "./dice.ts";
import type { Machine, Outcome } from "./machine.ts";
import type { Network } from "./network.ts";
import type { Oracle } from "./oracle.ts";
import { type Shelf, SnapshotWork } from "./snapshot-work.ts";
import { Storage, type StorageDefects } from "./storage.ts";

export interface Surroundings {
  readonly agenda: Agenda;
  readonly dice: Dice;
  readonly network: Network;
  readonly oracle: Oracle;
  readonly settings: Settings;
  readonly rules: Rules;
  readonly defects: StorageDefects;
  readonly shelf: Shelf;
  readonly onApplied: (node: SimNode, entry: Entry, outcome: Outcome) => void;
  readonly onRefused: (refusal: Refusal) => void;
}

const TICK_MS = 10;

export class SimNode {
  readonly id: NodeId;
  readonly storage: Storage;
  machine: Machine;
  /** Undefined while it is down. */
  raft: Raft | undefined;
  /** How fast its clock runs. */
  rate = 1;
  readonly #world: Surroundings;
  readonly #snapshots: SnapshotWork;
  #life = 0;
  #pausedUntilMs = 0;
  #isSyncing = false;
  #isPumpPlanned = false;
  readonly #openReads = new Set<number>();
  /** The log as it was handed out, for the oracle. */
  #log: { base: Pick<Entry, "index" | "term">; entries: Entry[] } = {
    base: { index: 0 as LogIndex, term: 0 as Term },
    entries: [],
  };

  constructor(id: NodeId, machine: Machine, world: Surroundings) {
    this.id = id;
    this.machine = machine;
    this.storage = new Storage(machine.clone(), world.defects);
    this.#world = world;
    this.#snapshots = new SnapshotWork(this, world);
  }

  get status(): Status | undefined {
    return this.raft?.status;
  }

  start(): void {
    const { dice, settings, rules } = this.#world;
    this.#life++;
    this.machine = this.storage.machine.clone();
    this.#log = { base: this.storage.base, entries: [...this.storage.entries] };
    this.#isSyncing = false;
    this.raft = new Raft({
      id: this.id,
      settings,
      random: () => dice.u32(),
      nowMs: this.#now().steadyMs,
      hardState: this.storage.hardState,
      state: this.machine.head,
      base: this.storage.base,
      entries: this.storage.entries.slice(),
      rules,
    });
    this.#tick();
  }

  crash(): void {
    if (this.raft === undefined) return;
    this.raft = undefined;
    this.#life++;
    this.#pausedUntilMs = 0;
    this.storage.crash(this.#world.dice);
    this.#snapshots.forget();
    for (const id of this.#openReads) this.#world.oracle.readForgotten(id);
    this.#openReads.clear();
  }

  /** The process stands still: what arrives waits, and its clock goes on. */
  pause(forMs: number): void {
    this.#pausedUntilMs = this.#world.agenda.nowMs + forMs;
  }

  read(id: number): void {
    if (this.raft === undefined || this.#isPaused) return;
    this.#openReads.add(id);
    this.#world.oracle.readAsked(id);
    this.step({ type: "read", id });
  }

  receive(message: Message): void {
    this.live(0, () => this.step({ type: "message", message }));
  }

  step(input: Input): void {
    if (this.raft === undefined) return;
    this.raft.step(this.#now(), input);
    // Owners take at once or after a few steps.
    if (this.#isPumpPlanned) return;
    this.#isPumpPlanned = true;
    const { dice } = this.#world;
    const run = () => {
      this.#isPumpPlanned = false;
      this.#pump();
    };
    if (dice.chance(0.7)) run();
    else this.#world.agenda.after(dice.between(0, 3), run);
  }

  /** Runs after a while, unless the process died; not while it stands still. */
  live(afterMs: number, run: () => void): void {
    const life = this.#life;
    const attempt = () => {
      if (life !== this.#life || this.raft === undefined) return;
      const { agenda } = this.#world;
      if (this.#isPaused) agenda.after(this.#pausedUntilMs - agenda.nowMs, attempt);
      else run();
    };
    if (afterMs === 0) attempt();
    else this.#world.agenda.after(afterMs, attempt);
  }

  checkpoint(): void {
    if (this.raft === undefined || this.#isPaused) return;
    this.storage.checkpoint(this.machine.clone());
    this.step({ type: "compact", index: this.machine.head.index });
    this.storage.cut(this.raft.status.baseIndex);
  }

  get #isPaused(): boolean {
    return this.#pausedUntilMs > this.#world.agenda.nowMs;
  }

  #now() {
    const { nowMs } = this.#world.agenda;
    return { steadyMs: nowMs * this.rate + this.id * 1000, wallMs: nowMs + this.id * 7 };
  }

  #tick(): void {
    this.live(TICK_MS, () => {
      this.step({ type: "tick" });
      this.#tick();
    });
  }

  #pump(): void {
    for (;;) {
      const outputs = this.raft?.take();
      if (outputs === undefined || this.raft === undefined) break;
      this.#carryOut(outputs, this.raft);
    }
    const { status } = this;
    if (status?.role === "leader") this.#world.oracle.leads(status, (index) => this.#termAt(index));
  }

  #carryOut(outputs: Outputs, raft: Raft): void {
    const { oracle, onRefused, onApplied } = this.#world;
    if (outputs.persist !== undefined) this.#persist(outputs.persist);
    for (const message of outputs.send) this.#send(message);
    const { term } = raft.status;
    for (const entry of outputs.committed) {
      const outcome = this.machine.apply(entry);
      oracle.decided(entry, term, this.machine.digest);
      onApplied(this, entry, outcome);
    }
    for (const { id, index } of outputs.reads) {
      this.#openReads.delete(id);
      oracle.readAnswered(id, index);
    }
    for (const id of outputs.failedReads) {
      this.#openReads.delete(id);
      oracle.readFailed(id);
    }
    for (const refusal of outputs.refused) onRefused(refusal);
    for (const task of outputs.snapshots) this.#snapshots.carryOut(task);
  }

  #persist(persist: NonNullable<Outputs["persist"]>): void {
    if (persist.reset !== undefined) this.#log = { base: persist.reset, entries: [] };
    for (const entry of persist.entries) {
      const previousTerm = this.#termAt((entry.index - 1) as LogIndex);
      this.#world.oracle.logged(entry, previousTerm);
      this.#log.entries.length = entry.index - this.#log.base.index - 1;
      this.#log.entries.push(entry);
    }
    this.storage.write(persist);
    this.#sync();
  }

  /** One sync for all writes that wait, as owners do it. */
  #sync(): void {
    const count = this.storage.waiting;
    if (this.#isSyncing || count === 0) return;
    this.#isSyncing = true;
    const { dice } = this.#world;
    const slow = dice.chance(0.05) ? 20 : 1;
    this.live(Math.max(0.001, dice.between(0, 6) * slow), () => {
      this.#isSyncing = false;
      for (let i = 0; i < count; i++) {
        const hadLost = this.storage.hardState?.mustNotVote === true;
        const done = this.storage.complete();
        if (hadLost && this.storage.hardState?.mustNotVote === false)
          this.#world.oracle.recovered++;
        for (const message of done?.thenSend ?? []) this.#send(message);
        if (done !== undefined && i === count - 1)
          this.step({ type: "persisted", sequence: done.sequence });
      }
      this.#sync();
    });
  }

  #send(message: Message): void {
    this.#world.oracle.sent(message);
    this.#world.network.send(message);
  }

  #termAt(index: LogIndex): Term | undefined {
    const { base, entries } = this.#log;
    return index === base.index ? base.term : entries[index - base.index - 1]?.term;
  }
}
