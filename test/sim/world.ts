/**
 * A whole group of nameservers in one process, with clients, in which everything that can go wrong
 * does, as one seed decides. Nothing else moves it: after each event all that follows without
 * waiting is let happen, and then the next event is due.
 */

import type { NodeId } from "../../base/ids.ts";
import type { MemberRecord } from "../../nameserver/group/member-file.ts";
import { keys } from "../../nameserver/keyspace.ts";
import { read } from "../../nameserver/queries/read.ts";
import { configurationOf } from "../../raft/configuration.ts";
import { defaultSettings, type Settings } from "../../raft/settings.ts";
import { Agenda } from "../../raft/testing/agenda.ts";
import { Dice } from "../../raft/testing/dice.ts";
import { judgeAll } from "../linearizable/linearizable.ts";
import { audit } from "../metadata/audit.ts";
import { blockLine, type Peer } from "./block-line.ts";
import { Bystander } from "./bystander.ts";
import { Clients } from "./clients.ts";
import { type FaultName, Faults } from "./faults.ts";
import { Fids } from "./fids.ts";
import type { Flaw } from "./flaw.ts";
import { Heartbeats } from "./heartbeats.ts";
import { addressOf, portOf, SETTLE_MS } from "./leading.ts";
import { Line } from "./line.ts";
import { Needles } from "./needles.ts";
import { Oracle } from "./oracle.ts";
import { SimProcess } from "./process.ts";
import { SimDataserver } from "./sim-dataserver.ts";
import { founding } from "./sim-member.ts";
import { SimNetwork } from "./sim-network.ts";
import { SimNode, type Surroundings } from "./sim-node.ts";
import { Users } from "./users.ts";

export interface WorldOptions {
  readonly seed: number;
  /** Events with faults, at least. */
  readonly steps?: number;
  readonly flaw?: Flaw;
}

export interface Report {
  readonly seed: number;
  readonly steps: number;
  readonly simulatedMs: number;
  readonly faults: Readonly<Record<FaultName, number>>;
  readonly acknowledged: number;
  readonly lost: number;
  /** Keys whose history no order explains; keys that could not be judged. */
  readonly wrong: number;
  readonly undecided: number;
  readonly reads: number;
  /** Objects of the users: put, read back and compared, copied; why they were told that it failed. */
  readonly stored: number;
  readonly fetched: number;
  readonly copied: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly lists: number;
  readonly failovers: number;
  readonly messages: { readonly carried: number; readonly lost: number; readonly doubled: number };
  readonly latenciesMs: readonly number[];
  readonly violations: readonly string[];
  /** Equal for equal histories. */
  readonly fingerprint: number;
  /** The end of the history. */
  readonly lines: readonly string[];
}

const STEPS = 4_000;
const LEAST_FAULTS = 5;
const LONGEST_MS = 3_600_000;
const CLIENTS = 4;
const USERS = 5;
const DATASERVERS = 3;
const STORM_MS = 6_000;
const CALM_MS = 5_000;
const QUIET_MS = 2_500;
/** By then some client has written, however the dice fell. */
/** A clock that was set back keeps the time of the log from going on. */
const ALL_DONE_MS = 200_000;
const PATIENCE_MS = 30_000;
const settings: Settings = {
  ...defaultSettings,
  electionMs: 300,
  heartbeatMs: 50,
  appendBytes: 3_000,
  retainBytes: 6_000,
};

export class World {
  readonly agenda: Agenda = new Agenda();
  readonly dice: Dice;
  readonly network: SimNetwork;
  readonly oracle: Oracle;
  readonly nodes: SimNode[];
  readonly line: Line;
  readonly #around: Surroundings;
  readonly clients: Clients;
  readonly dataservers: readonly SimDataserver[];
  readonly users: Users;
  readonly fids: Fids;
  readonly #needles: Needles;
  readonly #bystander: Bystander;
  readonly #faults: Faults;
  readonly #options: WorldOptions;
  #steps = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.dice = new Dice(options.seed);
    const { agenda, dice } = this;
    this.network = new SimNetwork(agenda, dice);
    const count = dice.chance(0.3) ? 5 : 3;
    const ids = Array.from({ length: count }, (_, i) => (i + 1) as NodeId);
    const founders = configurationOf({ voters: ids, learners: [] });
    this.oracle = new Oracle(founders, () => agenda.nowMs);
    const flaw = options.flaw ?? { name: "none" };
    const heartbeats = new Heartbeats(this.network, () => agenda.nowMs);
    const onStart = (server: SimDataserver) => heartbeats.begin(server, () => this.nodes);
    const witness = {
      removed: (...of: Parameters<Needles["removed"]>) => this.#needles.removed(...of),
      switched: (...of: Parameters<Needles["switched"]>) => this.#needles.switched(...of),
      retired: (...of: Parameters<Needles["retired"]>) => this.#needles.retired(...of),
    };
    this.dataservers = Array.from(
      { length: DATASERVERS },
      (_, i) =>
        new SimDataserver(201 + i, { agenda, dice, oracle: this.oracle, flaw, witness, onStart }),
    );
    this.#needles = new Needles(this.oracle, this.dataservers, SETTLE_MS);
    this.oracle.needles = this.#needles;
    const { network, dataservers } = this;
    const blocksFor = (peer: Peer) => blockLine({ network, dice, dataservers, heartbeats }, peer);
    const around: Surroundings = {
      ...{ agenda, dice, founders, settings, network: this.network, oracle: this.oracle },
      ...{ flaw, blocksFor },
      nodeAt: (id) => this.nodes.find((node) => node.id === id),
    };
    this.#around = around;
    this.nodes = ids.map((id) => new SimNode(id, around, founding(id, ids, addressOf)));
    const line = new Line(around, () => this.nodes);
    this.line = line;
    this.clients = new Clients(line, this.oracle);
    this.#bystander = new Bystander(line);
    let peers = 300;
    const newPeer = () => ({ id: ++peers, process: new SimProcess(agenda, 1) });
    this.fids = new Fids(line, this.oracle);
    this.users = new Users({ line, oracle: this.oracle, blocksFor, newPeer });
    this.#faults = new Faults(this);
  }

  /** A nameserver that was given a number joins with an empty folder. */
  admit(record: MemberRecord): void {
    const { node, addresses } = record;
    const address = addresses.get(node);
    if (address !== undefined) this.line.ports.set(portOf(address), node);
    if (this.#around.nodeAt(node) !== undefined) return;
    const joining = new SimNode(node, this.#around, record);
    this.nodes.push(joining);
    joining.start();
  }

  /** Who leads in the highest term. */
  get leader(): SimNode | undefined {
    const termOf = ({ replica }: SimNode) => replica?.status.term ?? 0;
    return this.nodes
      .filter(({ replica }) => replica?.status.role === "leader")
      .sort((a, b) => termOf(b) - termOf(a))[0];
  }

  async run(): Promise<Report> {
    const uproot = this.#options.flaw?.plant?.();
    const unwatch = this.oracle.watch();
    try {
      await this.#live();
    } finally {
      unwatch();
      uproot?.();
    }
    return this.#report();
  }

  async #live(): Promise<void> {
    const { oracle } = this;
    for (const one of [...this.nodes, ...this.dataservers]) one.start();
    const ready = this.#bystander.prepare();
    let isReady = false;
    void ready.then(() => {
      isReady = true;
    });
    await this.#until(() => isReady, 60_000);
    this.clients.start(CLIENTS);
    this.users.start(USERS);
    this.users.startFids(this.fids);
    void this.#bystander.live();
    this.#faults.begin();
    const { steps = STEPS } = this.#options;
    const enough = this.#steps + steps;
    const overMs = this.agenda.nowMs + STORM_MS;
    const isEnough = () => this.#steps >= enough && this.#faults.total >= LEAST_FAULTS;
    await this.#until(() => isEnough() && this.agenda.nowMs >= overMs, LONGEST_MS);
    this.#faults.end();
    this.clients.slowness = 10;
    this.users.slowness = 10;
    await this.#until(() => false, CALM_MS);
    const before = this.clients.acknowledged;
    this.clients.slowness = 1;
    await this.#until(() => this.clients.acknowledged > before, PATIENCE_MS);
    if (this.oracle.violations.length > 0) return;
    if (this.clients.acknowledged === before) this.#wrong("in calm times nothing is acknowledged");
    this.clients.stopped = true;
    this.users.stopped = true;
    this.fids.stopped = true;
    this.#bystander.stopped = true;
    await this.#until(() => false, QUIET_MS);
    const isSame = () =>
      this.#members().every(({ replica }) => replica?.applied === oracle.decidedIndex);
    const leftToDo = () => this.#needles.leftToDo();
    await this.#until(() => leftToDo() === undefined && isSame(), ALL_DONE_MS);
    if (leftToDo() !== undefined) this.#wrong(`in calm times nobody sees to ${leftToDo()}`);
    await this.#until(isSame, PATIENCE_MS);
    await this.#agree();
    this.#needles.checkAll();
    for (const fid of this.fids.kept) this.#needles.checkFid(fid);
    this.#needles.checkSwept();
    this.#judge();
  }

  /** Lets events happen until one of the two, or a violation. */
  async #until(isEnough: () => boolean, forMs: number): Promise<void> {
    const { agenda, oracle } = this;
    const untilMs = agenda.nowMs + forMs;
    while (oracle.violations.length === 0 && !isEnough() && agenda.next(untilMs)) {
      this.#steps++;
      // All that runs without waiting is in microtasks: they are done when this comes back.
      await new Promise(setImmediate);
      for (const node of this.nodes)
        if (node.replica?.isLeader === true && oracle.leads(node.id, node.replica.status.term))
          this.#faults.plots.leads(node);
      oracle.settle();
      this.clients.settle();
    }
  }

  /** Who belongs to the group and can. */
  #members(): SimNode[] {
    const { nodes } = read(this.oracle.store, keys.roll()) ?? { nodes: [] as NodeId[] };
    return this.nodes.filter(({ id, isLost }) => !isLost && nodes.includes(id));
  }

  async #agree(): Promise<void> {
    const { oracle } = this;
    for (const { id, replica } of this.#members()) {
      if (oracle.violations.length > 0) continue;
      if (replica === undefined) this.#wrong(`${id} does not run in calm times`);
      else if (replica.applied !== oracle.decidedIndex)
        this.#wrong(`${id} applied ${replica.applied} of ${oracle.decidedIndex} in calm times`);
      else {
        oracle.claims(`${id}`, replica.applied, replica.digest);
        await audit(replica.state, replica.digest).catch((error: unknown) =>
          this.#wrong(`the state of ${id} fails its audit: ${String(error)}`),
        );
      }
    }
    oracle.settle();
  }

  #judge(): void {
    const { wrong } = judgeAll([...this.clients.history, ...this.users.history]);
    for (const key of wrong) this.#wrong(`no order explains the history of ${key}`);
  }

  #wrong(what: string): void {
    this.oracle.violated(what);
  }

  #report(): Report {
    const { oracle, clients, users, network, agenda } = this;
    const { wrong, undecided } = judgeAll([...clients.history, ...users.history]);
    return {
      ...{ seed: this.#options.seed, steps: this.#steps, simulatedMs: agenda.nowMs },
      ...{ faults: this.#faults.counts, acknowledged: clients.acknowledged, lost: clients.lost },
      ...{ wrong: wrong.length, undecided, lists: clients.lists, failovers: oracle.failovers },
      ...{ stored: users.stored, fetched: users.fetched, copied: users.copied },
      failures: users.failures,
      reads: clients.history.filter(({ request }) => request.type === "read").length,
      messages: { carried: network.carried, lost: network.lost, doubled: network.doubled },
      latenciesMs: clients.latenciesMs,
      violations: oracle.violations,
      fingerprint: oracle.fingerprint,
      lines: oracle.lines,
    };
  }
}
