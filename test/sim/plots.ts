/**
 * What chance alone brings about too seldom: a leader that stands still until another leads, and then
 * goes on where it was. It is asked, and acts, before it can have heard of the other.
 */
import type { SimNode } from "./sim-node.ts";
import type { World } from "./world.ts";

export const plotWeights = { sleeper: 6, newcomer: 4 };
export type Plot = keyof typeof plotWeights;

/** What waited for a process that stood still comes in any order within so long. */
const STIRRING_MS = 25;
const READS = 4;

export function isPlot(name: string): name is Plot {
  return Object.hasOwn(plotWeights, name);
}

export class Plots {
  readonly #world: World;
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
    else this.#waitsForNewcomer = true;
    return true;
  }

  /** Somebody leads in a new term: while it takes stock, it falls asleep. */
  leads(node: SimNode): void {
    if (!this.#waitsForNewcomer) return;
    this.#waitsForNewcomer = false;
    const { agenda, dice } = this.#world;
    agenda.after(dice.between(0, 20), () => this.#sleep(node));
  }

  #sleep(node: SimNode): void {
    const { agenda, dice, clients } = this.#world;
    const forMs = dice.between(500, 1_400);
    node.process?.pause(forMs, () => dice.between(0, STIRRING_MS));
    for (let i = 0; i < READS; i++)
      agenda.after(Math.max(1, forMs - dice.between(0, 40)), () => void clients.probe(node.id));
  }
}
