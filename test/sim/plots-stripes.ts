/**
 * What chance brings about too seldom with stripes: between the command that converts a block and the end
 * of that, somebody who has a part in it dies, stands still or is not reached.
 */
import type { BlockId } from "../../base/ids.ts";
import { filled } from "../../rpc/name-service.ts";
import type { Conversion } from "./stripes.ts";
import type { World } from "./world.ts";

const SHARE = 0.25;
/** Of files that are finished. */
const DEPOSE_SHARE = 0.03;
const MOST_MS = 1_500;
const STIRRING_MS = 25;

export class StripePlots {
  count = 0;
  isOver = false;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** To be called after each event. */
  look(): void {
    const { needles, dice, fids } = this.#world;
    for (const block of needles.platters.takeStaged())
      if (!this.isOver && dice.chance(DEPOSE_SHARE)) this.#depose(block);
    for (const conversion of needles.stripes.takeNew()) {
      fids.nudge(conversion.block);
      if (!this.isOver && dice.chance(SHARE)) this.#harm(conversion);
    }
  }

  /** Who leads falls asleep, or dies, when all is written, and before or just after the command. */
  #depose(block: BlockId): void {
    const { agenda, dice, leader, oracle } = this.#world;
    if (leader === undefined) return;
    this.count++;
    const isCrash = dice.chance(0.5);
    oracle.say(`fault: catchConversion of block ${block} (${isCrash ? "crash" : "sleep"})`);
    agenda.after(dice.between(0, 12), () => {
      if (this.isOver) return;
      if (!isCrash) {
        leader.process?.pause(dice.between(600, 2_500), () => dice.between(0, STIRRING_MS));
        return;
      }
      leader.crash("process");
      agenda.after(dice.between(1_000, 2_500), () => leader.start());
    });
  }

  #harm({ block, members, before }: Conversion): void {
    const { agenda, dice, leader, machines, network, oracle } = this.#world;
    const device = dice.pick(filled(dice.chance(0.7) ? members : before));
    const server = device === undefined ? undefined : machines.of(device);
    if (leader === undefined || server === undefined) return;
    this.count++;
    const one = dice.chance(0.5) ? leader : server;
    const atMs = dice.between(1, 12);
    const what = dice.pick(["crash", "pause", "cut"] as const);
    oracle.say(`fault: catchConversion of block ${block} (${what})`);
    if (what === "cut") {
      network.cut(leader.id, server.id);
      return;
    }
    agenda.after(atMs, () => {
      if (this.isOver) return;
      if (what === "pause") one.process?.pause(dice.between(50, MOST_MS));
      else {
        one.crash(dice.chance(0.5) ? "power" : "process");
        agenda.after(dice.between(1, MOST_MS), () => one.start());
      }
    });
  }
}
