/** Carries messages: late, twice, in another order, or not at all. */
import type { NodeId } from "../../base/ids.ts";
import type { Message } from "../message.ts";
import type { Agenda } from "./agenda.ts";
import type { Dice } from "./dice.ts";

export class Network {
  loss = 0;
  doubling = 0;
  slowest = 20;
  readonly #agenda: Agenda;
  readonly #dice: Dice;
  readonly #deliver: (message: Message) => void;
  /** One-way cuts, "from>to". */
  readonly #cuts = new Set<string>();
  carried = 0;

  constructor(agenda: Agenda, dice: Dice, deliver: (message: Message) => void) {
    this.#agenda = agenda;
    this.#dice = dice;
    this.#deliver = deliver;
  }

  cut(from: NodeId, to: NodeId): void {
    this.#cuts.add(`${from}>${to}`);
  }

  /** Nodes of one group reach each other only. */
  split(groups: readonly (readonly NodeId[])[]): void {
    for (const group of groups)
      for (const other of groups)
        if (group !== other) for (const from of group) for (const to of other) this.cut(from, to);
  }

  heal(): void {
    this.#cuts.clear();
  }

  send(message: Message): void {
    const dice = this.#dice;
    if (this.#isCut(message) || dice.chance(this.loss)) return;
    const copies = dice.chance(this.doubling) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const late = dice.chance(0.02) ? 20 : 1;
      this.#agenda.after(dice.between(1, this.slowest) * late, () => {
        if (this.#isCut(message)) return;
        this.carried++;
        this.#deliver(message);
      });
    }
  }

  #isCut({ from, to }: Message): boolean {
    return this.#cuts.has(`${from}>${to}`);
  }
}
