/**
 * A group of simulated nodes with clients, in which everything that can go wrong does, as a seed
 * decides. The oracle looks on; at the end all is healed and the group must work and agree.
 */
import type { NodeId } from "../../base/ids.ts";
import { configurationOf, isJoint, NO_MEMBERS } from "../configuration.ts";
import { type Rules, rules } from "../rules.ts";
import type { Settings } from "../settings.ts";
import { Agenda } from "./agenda.ts";
import { Clients } from "./clients.ts";
import { Dice } from "./dice.ts";
import { type FaultName, Faults } from "./faults.ts";
import { Machine } from "./machine.ts";
import { Network } from "./network.ts";
import { SimNode, type Surroundings } from "./node.ts";
import { Oracle } from "./oracle.ts";
import type { StorageDefects } from "./storage.ts";
import { check } from "./violation.ts";

export interface WorldOptions {
  readonly seed: number;
  readonly reads?: Settings["reads"];
  readonly rules?: Partial<Rules>;
  readonly defects?: StorageDefects;
  /** Simulated time with faults. */
  readonly stormMs?: number;
}

export interface Report {
  readonly acknowledged: number;
  readonly reads: number;
  readonly terms: number;
  readonly messages: number;
  /** Configurations decided, states installed, votes given back after damage. */
  readonly changed: number;
  readonly installed: number;
  readonly recovered: number;
  readonly faults: Readonly<Record<FaultName, number>>;
  /** The group could not be expected to work in the end: a majority has lost its log. */
  readonly stuck: boolean;
}

const NODES = 6;
const CALM_MS = 6_000;
export const simSettings: Settings = {
  electionMs: 150,
  heartbeatMs: 30,
  reads: "quorum",
  clockDrift: 0.3,
  appendBytes: 140,
  retainBytes: 3000,
};

export class World {
  readonly agenda: Agenda = new Agenda();
  readonly dice: Dice;
  readonly oracle: Oracle = new Oracle();
  readonly network: Network;
  readonly nodes: readonly SimNode[];
  readonly clients: Clients;
  readonly #faults: Faults;
  readonly #stormMs: number;
  #reads = 0;

  constructor(options: WorldOptions) {
    const { seed, reads = "quorum", defects = {} } = options;
    this.dice = new Dice(seed);
    this.#stormMs = options.stormMs ?? 8_000;
    this.network = new Network(this.agenda, this.dice, (message) => {
      this.nodes[message.to - 1]?.receive(message);
    });
    const surroundings: Surroundings = {
      agenda: this.agenda,
      dice: this.dice,
      network: this.network,
      oracle: this.oracle,
      settings: { ...simSettings, reads },
      rules: { ...rules, ...options.rules },
      defects,
      shelf: new Map(),
      onApplied: (_node, entry, outcome) => this.clients.applied(entry, outcome),
      onRefused: (refusal) => this.clients.refused(refusal),
    };
    const founders = this.dice.pick([1, 2, 3, 3, 3, 5]) ?? 3;
    const ids = Array.from({ length: NODES }, (_, i) => (i + 1) as NodeId);
    const founded = configurationOf({ voters: ids.slice(0, founders), learners: [] });
    this.nodes = ids.map((id) => {
      const machine = Machine.founded(id <= founders ? founded : NO_MEMBERS);
      return new SimNode(id, machine, surroundings);
    });
    this.clients = new Clients(this.agenda, this.dice, this.nodes, 4);
    this.#faults = new Faults(this, reads === "lease" ? simSettings.clockDrift : 0.2);
  }

  /** The node that leads in the highest term. */
  get leader(): SimNode | undefined {
    return this.nodes
      .filter(({ status }) => status?.role === "leader")
      .sort((a, b) => (a.status?.term ?? 0) - (b.status?.term ?? 0))
      .at(-1);
  }

  run(): Report {
    for (const node of this.nodes) node.start();
    this.clients.start();
    this.#readNow();
    this.#faults.begin();
    while (this.agenda.next(this.#stormMs));
    this.#faults.end();
    while (this.agenda.next(this.#stormMs + CALM_MS));
    const stuck = this.#isStuck();
    if (!stuck) this.#agrees();
    return {
      acknowledged: this.clients.acknowledged.length,
      reads: this.oracle.readCount,
      terms: this.oracle.leaderCount,
      messages: this.network.carried,
      changed: this.oracle.changed,
      installed: this.oracle.installed,
      recovered: this.oracle.recovered,
      faults: this.#faults.counts,
      stuck,
    };
  }

  nextRead(): number {
    return ++this.#reads;
  }

  #readNow(): void {
    this.dice.pick(this.nodes)?.read(this.nextRead());
    this.agenda.after(this.dice.between(5, 40), () => this.#readNow());
  }

  /** Too many have lost their logs: that is a loss, and the group says so by standing still. */
  #isStuck(): boolean {
    const lostSome = this.nodes.some(({ status }) => status?.mustNotVote === true);
    return lostSome && this.leader === undefined;
  }

  /** After the storm: one leader, all members at its index with its state, nothing lost. */
  #agrees(): void {
    const { leader } = this;
    const status = leader?.status;
    check(leader !== undefined && status !== undefined, "in calm times there is a leader");
    const { configuration, commit } = status;
    check(!isJoint(configuration), "a change of members ends");
    const before = this.clients.acknowledged.length;
    while (this.agenda.next(this.#stormMs + CALM_MS + 1_000));
    check(this.clients.acknowledged.length > before, "in calm times work is done");
    this.clients.stopped = true;
    while (this.agenda.next(this.#stormMs + CALM_MS + 2_000));
    for (const id of [...configuration.voters, ...configuration.learners]) {
      const node = this.nodes[id - 1];
      check((node?.machine.head.index ?? 0) > commit, `node ${id} follows in calm times`);
      check(node?.status?.mustNotVote === false, `node ${id} has its vote back in calm times`);
    }
    check(leader.machine.head.index === this.oracle.decidedIndex, "the leader knows all");
    for (const name of this.clients.acknowledged)
      check(leader.machine.effects.get(name) === 1, `command ${name} was acknowledged and holds`);
  }
}
