/** Carries what nodes and clients say to each other: late, twice, out of order, or not at all. */
import type { Agenda } from "../../raft/testing/agenda.ts";
import type { Dice } from "../../raft/testing/dice.ts";

export class SimNetwork {
  /** Shares of messages that are lost, and that come twice. */
  loss = 0;
  doubling = 0;
  /** A message takes up to this. */
  slowestMs = 3;
  lost = 0;
  doubled = 0;
  carried = 0;
  readonly #agenda: Agenda;
  readonly #dice: Dice;
  readonly #cuts = new Set<string>();
  /** What other nameservers say to this one takes so much longer. */
  readonly #lagsMs = new Map<number, number>();

  constructor(agenda: Agenda, dice: Dice) {
    this.#agenda = agenda;
    this.#dice = dice;
  }

  /** Nothing gets from one to the other any more; the way back stays open. */
  cut(from: number, to: number): void {
    this.#cuts.add(`${from}>${to}`);
  }

  lag(to: number, byMs: number): void {
    this.#lagsMs.set(to, byMs);
  }

  heal(): void {
    this.#lagsMs.clear();
    this.#cuts.clear();
  }

  /** `once`: between clients and nodes, whose connections do not repeat. */
  carry(from: number, to: number, deliver: () => void, once = false): void {
    if (this.#cuts.has(`${from}>${to}`) || this.#dice.chance(this.loss)) {
      this.lost++;
      return;
    }
    const copies = !once && this.#dice.chance(this.doubling) ? 2 : 1;
    this.doubled += copies - 1;
    const lagMs = once ? 0 : (this.#lagsMs.get(to) ?? 0);
    for (let i = 0; i < copies; i++)
      this.#agenda.after(lagMs + this.#dice.between(2, this.slowestMs * 10) / 10, () => {
        // What is under way when a cable is pulled does not arrive.
        if (this.#cuts.has(`${from}>${to}`)) return;
        this.carried++;
        deliver();
      });
  }
}
