/** What goes wrong, and what people do meanwhile: every kind of it, counted. */
import type { NodeId } from "../../base/ids.ts";
import { everybody } from "../configuration.ts";
import type { SimNode } from "./node.ts";
import { burn, contend, mayDamage, migrate, PLOT_QUIET_MS, topple, usurp } from "./plots.ts";
import type { World } from "./world.ts";

export type FaultName =
  | "crash"
  | "crashAll"
  | "damage"
  | "pause"
  | "split"
  | "isolate"
  | "oneWay"
  | "loss"
  | "slow"
  | "heal"
  | "transfer"
  | "change"
  | "checkpoint"
  | "campaign"
  | "unreachable"
  | "usurp"
  | "contend"
  | "migrate"
  | "burn"
  | "topple";

/** How often each happens, compared with the others. */
const weights: Record<FaultName, number> = {
  crash: 10,
  crashAll: 2,
  damage: 4,
  pause: 5,
  split: 5,
  isolate: 6,
  oneWay: 6,
  loss: 4,
  slow: 3,
  heal: 14,
  transfer: 8,
  change: 20,
  checkpoint: 14,
  campaign: 3,
  unreachable: 4,
  usurp: 12,
  contend: 6,
  migrate: 8,
  burn: 6,
  topple: 4,
};
const names = Object.keys(weights) as FaultName[];
const plots = { usurp, contend, migrate, burn };
const plotNames = new Set<FaultName>(["usurp", "contend", "migrate", "burn", "topple"]);
const urn = names.flatMap((name) => Array.from({ length: weights[name] }, () => name));

export class Faults {
  readonly counts: Record<FaultName, number>;
  readonly #world: World;
  readonly #drift: number;
  #isOver = false;

  /** Clocks run at most `drift` too fast or too slow. */
  constructor(world: World, drift: number) {
    this.#world = world;
    this.#drift = drift;
    this.counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<FaultName, number>;
  }

  begin(): void {
    const { nodes, dice } = this.#world;
    // Most clocks are as wrong as they may be.
    for (const node of nodes) {
      const worst = dice.chance(0.5) ? 1 : -1;
      node.rate = 1 + this.#drift * (dice.chance(0.7) ? worst : dice.between(-10, 10) / 10);
    }
    this.#plan();
  }

  end(): void {
    const { network, nodes } = this.#world;
    this.#isOver = true;
    network.heal();
    network.loss = 0;
    network.doubling = 0;
    network.slowest = 10;
    for (const node of nodes) {
      node.pause(0);
      if (node.raft === undefined) node.start();
    }
  }

  #plan(quietMs = 0): void {
    const { agenda, dice } = this.#world;
    agenda.after(quietMs + dice.between(10, 150), () => {
      if (this.#isOver) return;
      const name = dice.pick(urn) ?? "heal";
      const happened = this.#happen(name);
      if (happened) this.counts[name]++;
      // A plot needs calm around it, most of the time.
      this.#plan(happened && plotNames.has(name) && dice.chance(0.8) ? PLOT_QUIET_MS : 0);
    });
  }

  /** False when there was nobody it could happen to. */
  #happen(name: FaultName): boolean {
    const { network, dice, nodes, leader } = this.#world;
    // Leaders are the more interesting victims.
    const victim = dice.chance(0.4) ? leader : dice.pick(nodes);
    if (victim === undefined) return false;
    switch (name) {
      case "crash":
        return this.#crash(victim, 0);
      case "crashAll":
        return nodes.map((node) => this.#crash(node, 0)).some((fell) => fell);
      case "damage":
        return mayDamage(this.#world, victim) && this.#crash(victim, dice.between(1, 6));
      case "pause":
        victim.pause(dice.between(20, 600));
        return true;
      case "split":
        network.split(this.#twoGroups());
        return true;
      case "isolate":
        network.split([[victim.id], nodes.map(({ id }) => id).filter((id) => id !== victim.id)]);
        return true;
      case "oneWay":
        return this.#cutOneWay(victim);
      case "loss":
        network.loss = dice.between(0, 30) / 100;
        network.doubling = dice.between(0, 20) / 100;
        return true;
      case "slow":
        network.slowest = dice.between(2, 80);
        return true;
      case "heal":
        network.heal();
        network.loss = 0;
        return true;
      default:
        return this.#act(name, victim);
    }
  }

  #act(name: FaultName, victim: SimNode): boolean {
    const { leader, dice, nodes } = this.#world;
    const to = (dice.pick(nodes)?.id ?? 1) as NodeId;
    switch (name) {
      case "transfer":
        leader?.live(0, () => leader.step({ type: "transfer", to }));
        return true;
      case "change":
        return this.#change();
      case "checkpoint":
        for (const node of nodes) if (dice.chance(0.7)) node.checkpoint();
        return true;
      case "usurp":
      case "contend":
      case "migrate":
      case "burn":
        if (leader !== undefined) plots[name](this.#world, leader);
        return leader !== undefined;
      case "topple":
        topple(this.#world);
        return true;
      case "campaign":
        victim.live(0, () => victim.step({ type: "campaign" }));
        return true;
      default:
        leader?.live(0, () => leader.step({ type: "unreachable", node: to }));
        return true;
    }
  }

  #crash(node: SimNode, damage: number): boolean {
    if (node.raft === undefined) return false;
    const { agenda, dice } = this.#world;
    node.crash();
    if (damage > 0) node.storage.damage(damage);
    agenda.after(dice.between(1, 500), () => {
      if (node.raft === undefined) node.start();
    });
    return true;
  }

  #cutOneWay(victim: SimNode): boolean {
    const { network, dice, nodes } = this.#world;
    const outward = dice.chance(0.5);
    for (const { id } of nodes)
      if (id !== victim.id && dice.chance(0.6))
        if (outward) network.cut(victim.id, id);
        else network.cut(id, victim.id);
    return true;
  }

  #twoGroups(): NodeId[][] {
    const { nodes, dice } = this.#world;
    const groups: NodeId[][] = [[], []];
    for (const { id } of nodes) groups[dice.between(0, 1)]?.push(id);
    return groups;
  }

  /** One or two members come, go, or change places. */
  #change(): boolean {
    const { leader, dice, nodes } = this.#world;
    const status = leader?.status;
    if (leader === undefined || status === undefined) return false;
    if (nodes.some(({ storage }) => storage.hardState?.mustNotVote === true)) return false;
    const voters = new Set(status.configuration.voters);
    const learners = new Set(status.configuration.learners);
    for (let left = dice.between(1, 2); left > 0; left--) {
      const id = dice.pick(nodes)?.id;
      if (id === undefined) continue;
      const wasVoter = voters.delete(id);
      const wasLearner = learners.delete(id);
      if (wasLearner ? dice.chance(0.8) : wasVoter && dice.chance(0.2)) voters.add(id);
      else if (!wasLearner && (!wasVoter || dice.chance(0.3))) learners.add(id);
    }
    if (voters.size === 0) return false;
    const members = { voters: [...voters], learners: [...learners] };
    leader.live(0, () => leader.step({ type: "change", id: -1, members }));
    return everybody(status.configuration).length > 0;
  }
}
