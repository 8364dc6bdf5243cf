/** One nameserver of a simulated group, through all its lives: the real Replica on seams that obey. */
import { SimulatedDisk } from "../../base/disk-simulated.ts";
import { hasCode, InvariantError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import type { MemberRecord } from "../../nameserver/group/member-file.ts";
import { Replica } from "../../nameserver/group/replica.ts";
import { ChangedBlocks } from "../../nameserver/planner/changed-blocks.ts";
import { RowCache } from "../../nameserver/row-cache.ts";
import { StateFolder } from "../../nameserver/state-folder.ts";
import { Tombstones } from "../../nameserver/workers/tombstones.ts";
import type { Configuration } from "../../raft/configuration.ts";
import type { Message } from "../../raft/message.ts";
import { defaultSettings, type Settings } from "../../raft/settings.ts";
import type { Agenda } from "../../raft/testing/agenda.ts";
import type { Dice } from "../../raft/testing/dice.ts";
import type { LivenessService } from "../../rpc/liveness-service.ts";
import type { NameService } from "../../rpc/name-service.ts";
import type { BlockWays } from "./block-line.ts";
import type { Flaw } from "./flaw.ts";
import { type Led, startLeading } from "./leading.ts";
import type { Oracle } from "./oracle.ts";
import { SimProcess } from "./process.ts";
import { type DiskMood, SimDisk } from "./sim-disk.ts";
import { openMember } from "./sim-member.ts";
import type { SimNetwork } from "./sim-network.ts";
import { SimStore } from "./sim-store.ts";

export interface Surroundings {
  readonly agenda: Agenda;
  readonly dice: Dice;
  readonly network: SimNetwork;
  readonly oracle: Oracle;
  readonly settings: Settings;
  readonly flaw: Flaw;
  readonly founders: Configuration;
  readonly nodeAt: (id: NodeId) => SimNode | undefined;
  readonly ways: BlockWays;
}

const DIRECTORY = "/ns";
/** Small, so that segments, checkpoints and snapshots come often. */
const SEGMENT_BYTES = 6_000;
const CHECKPOINT_BYTES = 4_000;

export const settings: Settings = {
  ...defaultSettings,
  electionMs: 300,
  heartbeatMs: 50,
  appendBytes: 3_000,
  retainBytes: 6_000,
};

export class SimNode {
  readonly id: NodeId;
  readonly disk: SimulatedDisk = new SimulatedDisk();
  readonly mood: DiskMood & { slowness: number };
  replica: Replica | undefined;
  process: SimProcess | undefined;
  /** What it answers to clients. */
  names: NameService | undefined;
  /** Where dataservers tell of themselves. */
  liveness: LivenessService | undefined;
  /** How blocks are made whole, and how all stands, as it knows it. */
  survey: Led["survey"] | undefined;
  rate = 1;
  /** Its disk was harmed: it may stop, and say so. */
  mayStop = false;
  /** A bit of its log was turned. */
  isHarmed = false;
  /** It cannot come back under this id: its folder is lost, or it was removed from the group. */
  isLost = false;
  readonly #first: MemberRecord;
  readonly #around: Surroundings;
  /** By folder: the states outlive the process. */
  #stores = new Map<string, SimStore>();
  #wasOpened = false;

  /** `first`: what its folder is told of the group. */
  constructor(id: NodeId, around: Surroundings, first: MemberRecord) {
    this.#first = first;
    this.id = id;
    this.#around = around;
    this.mood = { slowness: 1, liesAbout: around.flaw.liesAbout ?? (() => false) };
  }

  get isUp(): boolean {
    return this.process !== undefined;
  }

  start(): void {
    if (this.isUp || this.isLost) return;
    const process = new SimProcess(this.#around.agenda, this.rate);
    this.process = process;
    this.#around.oracle.say(`${this.id} starts`);
    this.#open(process).catch((error: unknown) => {
      if (process.isAlive) this.#stopped(error);
    });
  }

  /** The machine loses its power, or only the process dies. */
  crash(kind: "power" | "process"): void {
    if (this.process === undefined) return;
    const { dice, oracle, flaw } = this.#around;
    oracle.say(`${this.id} crashes (${kind})`);
    this.process.kill();
    this.process = undefined;
    this.replica = undefined;
    this.names = undefined;
    this.liveness = undefined;
    this.survey = undefined;
    this.disk.failSync(undefined);
    if (kind === "power") this.disk.crash(seededRandom(dice.u32()));
    else this.disk.kill();
    for (const [folder, store] of this.#stores)
      this.#stores.set(folder, store.after(kind, dice, flaw.splitsBatches === true));
    if (flaw.forgetsVote === true) void this.disk.remove(`${DIRECTORY}/vote`);
  }

  async #open(process: SimProcess): Promise<void> {
    const { dice, oracle, network, settings, nodeAt } = this.#around;
    const disk = new SimDisk(this.disk, process, dice, this.mood);
    const openStore = (folder: string, mustExist: boolean) =>
      Promise.resolve(this.#openStore(folder, mustExist, process));
    const report = (message: string) => {
      if (process.isAlive) oracle.say(`${this.id} reports: ${message}`);
    };
    const store = await StateFolder.open(disk, `${DIRECTORY}/state`, openStore, this.#wasOpened);
    const cache = new RowCache(store);
    const tombstones = new Tombstones(store, report);
    const changed = new ChangedBlocks();
    let survey: Led["survey"] | undefined;
    const { ways, flaw } = this.#around;
    const member = await openMember({
      ...{ disk, directory: DIRECTORY, store, first: this.#first, process, report },
    });
    const { roster } = member;
    const replica = await Replica.open({
      ...{ disk, settings, clock: process.clock, node: this.id, mustExist: this.#wasOpened },
      ...member.replica,
      random: seededRandom(dice.u32()),
      directory: DIRECTORY,
      durability: "commit",
      segmentBytes: SEGMENT_BYTES,
      checkpointBytes: CHECKPOINT_BYTES,
      ...{ report, store },
      onChanging: (changes) => cache.changing(changes),
      onChanges: (changes) => {
        tombstones.saw(changes);
        cache.changed();
        roster.saw(changes);
        changed.saw(changes);
        survey?.saw(changes);
      },
      onReplaced: () => {
        cache.clear();
        roster.replaced();
        changed.replaced();
      },
      send: (messages: readonly Message[]) => {
        if (!process.isAlive) return;
        for (const message of messages)
          network.carry(
            this.id,
            message.to,
            () => nodeAt(message.to)?.receive(message),
            // A connection does not repeat; without a session a proposal must not come twice.
            message.type === "propose",
          );
      },
    });
    this.#wasOpened = true;
    this.replica = replica;
    member.start(replica);
    const led = startLeading({
      ...{ node: this.id, roster, replica, cache, ways, process, flaw, report, changed },
    });
    survey = led.survey;
    this.names = led.names;
    this.liveness = led.liveness;
    this.survey = led.survey;
    void replica.failed.then((failure) => {
      if (process.isAlive) this.#stopped(failure);
    });
  }

  #openStore(folder: string, mustExist: boolean, process: SimProcess): SimStore {
    const { receives } = this.#around.flaw;
    const isFirst = this.#stores.size === 0;
    const kept = mustExist ? this.#stores.get(folder) : undefined;
    const store = kept?.reopened(process) ?? new SimStore(process, isFirst ? undefined : receives);
    this.#stores.set(folder, store);
    return store;
  }

  receive(message: Message): void {
    this.process?.enter(() => this.replica?.receive(message));
  }

  /** It gave up by itself: people start it again, unless its disk is harmed. */
  #stopped(error: unknown): void {
    const { oracle, agenda, dice } = this.#around;
    oracle.say(`${this.id} stopped: ${String(error)}`);
    const cause = error instanceof Error ? error.cause : undefined;
    if (
      error instanceof InvariantError ||
      cause instanceof InvariantError ||
      cause instanceof TypeError
    )
      oracle.violated(`${this.id} found an invariant broken: ${String(cause ?? error)}`);
    else if (!this.mayStop && !hasCode(error, "Removed"))
      oracle.violated(`${this.id} stopped for no reason: ${String(error)}`);
    if (hasCode(error, "Damaged", "Removed")) this.isLost = true;
    this.crash(dice.chance(0.5) ? "power" : "process");
    agenda.after(300, () => this.start());
  }
}
