/** Clients that retry until they are answered: each command must take effect exactly once. */
import type { Entry } from "../entry.ts";
import type { Refusal } from "../outputs.ts";
import type { Agenda } from "./agenda.ts";
import type { Dice } from "./dice.ts";
import type { Outcome } from "./machine.ts";
import type { SimNode } from "./node.ts";
import { check } from "./violation.ts";

interface Client {
  readonly name: number;
  session: number;
  sequence: number;
  /** The attempt under way; an answer or a refusal ends it. */
  attempt: number;
}

const RETRY_MS = 400;

export class Clients {
  /** Commands that were answered, "session/sequence". */
  readonly acknowledged: string[] = [];
  stopped = false;
  /** Nothing new is asked before. */
  quietUntilMs = 0;
  readonly #agenda: Agenda;
  readonly #dice: Dice;
  readonly #nodes: readonly SimNode[];
  readonly #clients: Client[];
  #attempts = 0;

  constructor(agenda: Agenda, dice: Dice, nodes: readonly SimNode[], count: number) {
    this.#agenda = agenda;
    this.#dice = dice;
    this.#nodes = nodes;
    this.#clients = Array.from({ length: count }, (_, name) => ({
      name,
      session: 0,
      sequence: 0,
      attempt: 0,
    }));
  }

  start(): void {
    for (const client of this.#clients) this.#attempt(client);
  }

  /** Something was applied somewhere. */
  applied(entry: Entry, outcome: Outcome): void {
    if (entry.kind !== "command") return;
    for (const client of this.#clients) {
      const isOpening = client.session === 0 && entry.data[0] === client.name;
      const isCommand = client.session !== 0 && entry.session === client.session;
      if (entry.session === 0 && isOpening) client.session = entry.index;
      else if (isCommand && entry.sequence === client.sequence) {
        check(outcome !== "refused", "a session in use does not end");
        this.acknowledged.push(`${client.session}/${client.sequence}`);
      } else continue;
      client.sequence++;
      client.attempt = 0;
      this.#agenda.after(this.#dice.between(1, 60), () => this.#attempt(client));
      return;
    }
  }

  refused({ id }: Refusal): void {
    const client = this.#clients.find(({ attempt }) => attempt === id);
    if (client !== undefined)
      this.#agenda.after(this.#dice.between(10, 60), () => this.#attempt(client, id));
  }

  /** Tries, at any node; again if `after` is still the attempt under way. */
  #attempt(client: Client, after = 0): void {
    if (this.stopped || client.attempt !== after) return;
    const quietMs = this.quietUntilMs - this.#agenda.nowMs;
    if (quietMs > 0) {
      this.#agenda.after(quietMs, () => this.#attempt(client, after));
      return;
    }
    const { session, sequence, name } = client;
    const id = ++this.#attempts;
    client.attempt = id;
    const node = this.#dice.pick(this.#nodes.filter(({ raft }) => raft !== undefined));
    const data = Buffer.from([name, this.#dice.between(0, 255)]);
    const proposal = { id, session, sequence, data };
    node?.live(0, () => node.step({ type: "propose", proposal }));
    this.#agenda.after(RETRY_MS, () => this.#attempt(client, id));
  }
}
