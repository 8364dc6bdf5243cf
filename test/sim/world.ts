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
import { Agenda } from "../../raft/testing/agenda.ts";
import { Dice } from "../../raft/testing/dice.ts";
import type { ColdSetting } from "../../rpc/pool.ts";
import { judgeAll } from "../linearizable/linearizable.ts";
import { audit } from "../metadata/audit.ts";
import type { BlockWays } from "./block-line.ts";
import { Bystander } from "./bystander.ts";
import { Calm } from "./calm.ts";
import { Clients } from "./clients.ts";
import { coldOf, stormMsOf } from "./cold.ts";
import { Faults } from "./faults.ts";
import { Fids, type FidsOptions } from "./fids.ts";
import type { Flaw } from "./flaw.ts";
import { addressOf, portOf, SETTLE_MS } from "./leading.ts";
import { Line } from "./line.ts";
import { Machines } from "./machines.ts";
import { Needles } from "./needles.ts";
import { Oracle } from "./oracle.ts";
import { OrderJudge } from "./order-judge.ts";
import { People } from "./people.ts";
import { SimProcess } from "./process.ts";
import type { Report } from "./report.ts";
import { founding } from "./sim-member.ts";
import { SimNetwork } from "./sim-network.ts";
import { SimNode, type Surroundings, settings } from "./sim-node.ts";
import { Users } from "./users.ts";

export interface WorldOptions {
  readonly seed: number;
  /** Events with faults, at least. */
  readonly steps?: number;
  readonly flaw?: Flaw;
  /** No dataservers, and nobody who stores bytes: for what only nameservers can do wrong. */
  readonly isBare?: boolean;
}

const STEPS = 4_000;
const LEAST_FAULTS = 5;
const LONGEST_MS = 3_600_000;
const CLIENTS = 4;
const USERS = 5;
const SERVERS = 7;
const CALM_MS = 5_000;
const QUIET_MS = 2_500;
/** A clock that was set back keeps the time of the log from going on. */
const ALL_DONE_MS = 200_000;
const LOOK_MS = 500;
const PATIENCE_MS = 30_000;

export class World {
  readonly agenda: Agenda = new Agenda();
  readonly dice: Dice;
  readonly network: SimNetwork;
  readonly oracle: Oracle;
  readonly nodes: SimNode[];
  readonly line: Line;
  readonly #around: Surroundings;
  readonly clients: Clients;
  readonly machines: Machines;
  readonly users: Users;
  readonly fids: Fids;
  readonly needles: Needles;
  readonly people: People;
  /** When blocks of copies become stripes; undefined: they do not. */
  readonly cold: ColdSetting | undefined;
  readonly #calm: Calm;
  readonly #bystander: Bystander;
  readonly #faults: Faults;
  readonly #options: WorldOptions;
  #steps = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.dice = new Dice(options.seed);
    this.cold = options.isBare === true ? undefined : coldOf(options.seed);
    const { agenda, dice } = this;
    this.network = new SimNetwork(agenda, dice);
    const count = dice.chance(0.3) ? 5 : 3;
    const ids = Array.from({ length: count }, (_, i) => (i + 1) as NodeId);
    const founders = configurationOf({ voters: ids, learners: [] });
    this.oracle = new Oracle(founders, () => agenda.nowMs);
    const flaw = options.flaw ?? { name: "none" };
    const ways: BlockWays = {
      ...{ network: this.network, dice },
      violated: (what) => this.oracle.violated(what),
      orders: new OrderJudge(this),
      dataserverAt: (address) => this.machines.at(address),
    };
    const around: Surroundings = {
      ...{ agenda, dice, founders, settings, network: this.network, oracle: this.oracle },
      ...{ flaw, ways },
      nodeAt: (id) => this.nodes.find((node) => node.id === id),
    };
    this.#around = around;
    const line = new Line(around, () => this.nodes);
    this.line = line;
    const { isBare = false } = options;
    this.machines = new Machines(isBare ? 0 : SERVERS, {
      ...{ agenda, dice, oracle: this.oracle, flaw, ways, line },
    });
    const { machines } = this;
    this.needles = new Needles({
      ...{ oracle: this.oracle, settleMs: SETTLE_MS, nowMs: () => agenda.nowMs },
      drives: () => machines.drives,
    });
    this.oracle.needles = this.needles;
    this.nodes = ids.map((id) => new SimNode(id, around, founding(id, ids, addressOf)));
    this.clients = new Clients(line, this.oracle);
    this.#bystander = new Bystander(line);
    let peers = 300;
    const newPeer = () => ({ id: ++peers, process: new SimProcess(agenda, 1) });
    const blocksFor: FidsOptions["blocksFor"] = (...of) => machines.blocksFor(ways, ...of);
    const isLongAgo = this.cold !== undefined;
    const judged = { line, oracle: this.oracle, needles: this.needles, isLongAgo };
    this.fids = new Fids({ ...judged, blocksFor });
    this.users = new Users({
      ...{ ...judged, ways, newPeer },
      isStriped: (key) => this.needles.isStriped(key),
    });
    this.people = new People(line, this.oracle);
    this.#calm = new Calm(this);
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
    const isBare = this.#options.isBare === true;
    for (const one of [...this.nodes, ...(isBare ? [] : this.machines.servers)]) one.start();
    await this.#until(this.#isDone(this.#prepare()), 60_000);
    this.clients.start(CLIENTS);
    if (!isBare) this.users.start(USERS);
    if (!isBare) this.users.startFids(this.fids);
    void this.#bystander.live();
    this.#faults.begin();
    const { steps = STEPS } = this.#options;
    const enough = this.#steps + steps;
    const overMs = this.agenda.nowMs + stormMsOf(this.cold);
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
    let left: string | undefined;
    for (let i = 0; i < ALL_DONE_MS / LOOK_MS && oracle.violations.length === 0; i++) {
      left = await this.#calm.leftToDo();
      if (left === undefined && isSame()) break;
      await this.#until(() => false, LOOK_MS);
    }
    if (left !== undefined)
      this.#wrong(`in calm times nobody sees to ${left}; stuck: ${this.#calm.stuck()}`);
    await this.#until(isSame, PATIENCE_MS);
    await this.#agree();
    this.#calm.check();
    this.#judge();
  }

  async #prepare(): Promise<void> {
    await this.#bystander.prepare();
    if (this.#options.isBare === true) return;
    const pieces = this.dice.chance(0.3) ? { k: 4, m: 2 } : { k: 2, m: 1 };
    await this.people.prepare({ k: 1, m: 2 }, pieces, this.cold);
    const count = () => this.machines.drives.length;
    while ((await this.people.map()).devices.length < count()) await this.line.sleep(50);
  }

  /** Whether that has come to its end. */
  #isDone(doing: Promise<unknown>): () => boolean {
    let isDone = false;
    void doing.then(() => {
      isDone = true;
    });
    return () => isDone;
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
      this.#faults.look();
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
      stripes: { ...this.needles.stripes.counts, read: users.fetchedStriped },
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
