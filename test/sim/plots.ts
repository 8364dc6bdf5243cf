/**
 * What chance alone brings about too seldom: a leader that was replaced, and asks and acts before it
 * can have heard of that.
 */
import type { SimNode } from "./sim-node.ts";
import type { World } from "./world.ts";

export const plotWeights = { sleeper: 5, newcomer: 4, echo: 5 };
export type Plot = keyof typeof plotWeights;

/** What waited for a process that stood still comes in any order within so long. */
const STIRRING_MS = 25;
const READS = 12;
const LAG_STEP_MS = 200;

export function isPlot(name: string): name is Plot {
  return Object.hasOwn(plotWeights, name);
}

export class Plots {
  readonly #world: World;
  /** What was begun does not go on. */
  isOver = false;
  /** Until then nothing else happens: a plot wants to be played to its end. */
  busyUntilMs = 0;
  #waitsForNewcomer = false;

  constructor(world: World) {
    this.#world = world;
  }

  /** False when there was nobody it could happen to. */
  happen(name: Plot): boolean {
    const { leader, oracle } = this.#world;
    if (leader === undefined) return false;
    oracle.say(`plot: ${name}`);
    if (name === "sleeper") this.#sleep(leader);
    else if (name === "echo") this.#echo(leader);
    else this.#waitsForNewcomer = true;
    return true;
  }

  /** Somebody leads in a new term: while it takes stock, it falls asleep. */
  leads(node: SimNode): void {
    if (!this.#waitsForNewcomer || this.isOver) return;
    this.#waitsForNewcomer = false;
    const { agenda, dice } = this.#world;
    agenda.after(dice.between(0, 20), () => this.#sleep(node));
  }

  /**
   * The others hear nothing more of it and elect another, while it still hears, late, that they
   * followed: for so long only a round of its own could tell it that it leads no more.
   */
  #echo(node: SimNode): void {
    const { agenda, dice, network, nodes, clients } = this.#world;
    const lagMs = 4 * LAG_STEP_MS;
    // By and by: a gap as long as an election would end its reign.
    for (let i = 0; i < 4; i++)
      agenda.after(i * LAG_STEP_MS, () => {
        if (!this.isOver) network.lag(node.id, (i + 1) * LAG_STEP_MS);
      });
    this.busyUntilMs = agenda.nowMs + 2 * lagMs + 500;
    agenda.after(lagMs + dice.between(0, 100), () => {
      if (this.isOver) return;
      for (const { id } of nodes) if (id !== node.id) network.cut(node.id, id);
      const others = nodes.filter((one) => one !== node);
      for (let i = 0; i < READS; i++) {
        const other = dice.pick(others)?.id ?? node.id;
        agenda.after(dice.between(400, lagMs + 200), () => void clients.nudge(other, i));
        agenda.after(dice.between(500, lagMs + 280), () => void clients.probe(node.id, i));
      }
    });
  }

  #sleep(node: SimNode): void {
    const { agenda, dice, clients } = this.#world;
    if (this.isOver) return;
    const forMs = dice.between(600, 1_450);
    node.process?.pause(forMs, () => dice.between(0, STIRRING_MS));
    for (let i = 0; i < READS; i++)
      agenda.after(Math.max(1, forMs - dice.between(0, 40)), () => void clients.probe(node.id, i));
  }
}
