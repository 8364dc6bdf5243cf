/**
 * Writers, each with keys of its own: what was acknowledged last is known, over the whole run. A key
 * with a change of unknown outcome is not touched again: the change may take effect at any time.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Dice } from "../../raft/testing/dice.ts";
import { KillModel, type State } from "./kill-model.ts";
import type { Progress } from "./progress.ts";
import type { Registers } from "./registers.ts";

const KEYS_PER_WRITER = 40;
const UNANSWERED_PAUSE_MS = 100;
const LAST_LOOKS = 40;
const LOOK_AGAIN_MS = 250;
const LOOKED_AT = 0.3;
const PREFIX = "own/";

export class OwnKeys {
  readonly model = new KillModel();
  unknown = 0;
  readonly #clients: readonly Registers[];
  readonly #progress: Progress;

  constructor(clients: readonly Registers[], progress: Progress) {
    this.#clients = clients;
    this.#progress = progress;
  }

  /** Writes until `isOver`. */
  async write(writer: number, dice: Dice, isOver: () => boolean): Promise<void> {
    const names = Array.from({ length: KEYS_PER_WRITER }, (_, i) => `${PREFIX}${writer}/${i}`);
    for (let version = 1; !isOver(); version++) {
      const slot = dice.between(0, KEYS_PER_WRITER - 1);
      const key = names[slot] ?? "";
      const by = dice.between(0, this.#clients.length - 1);
      const outcome = dice.chance(0.2) ? undefined : `${writer}-${version}`;
      if (!(await this.#change(this.#client(by), key, outcome)))
        names[slot] = `${PREFIX}${writer}/${slot}-${version}`;
      // What one client was told holds for the other at once.
      else if (dice.chance(LOOKED_AT)) await this.#look(this.#client(by + 1), key);
    }
  }

  #client(number: number): Registers {
    const client = this.#clients[number % this.#clients.length];
    if (client === undefined) throw new Error("there is a client at least");
    return client;
  }

  /** False: the outcome is unknown. */
  async #change(client: Registers, key: string, outcome: State): Promise<boolean> {
    const begunMs = performance.now();
    const undo = this.model.begin(key, outcome);
    const request =
      outcome === undefined
        ? ({ type: "delete" } as const)
        : ({ type: "put", etag: outcome } as const);
    const told = await client.write(key, request);
    if (told === "open" || told === "none") await sleep(UNANSWERED_PAUSE_MS);
    if (told === "open") {
      this.unknown++;
      return false;
    }
    if (told === "none") undo();
    else if (told.type === "done") {
      this.model.acknowledge(key, outcome);
      this.#progress.acknowledge(begunMs);
    } else this.model.complaints.push(`${key}: an unconditional change was answered ${told.type}`);
    return true;
  }

  /** False: there was no answer. */
  async #look(client: Registers, key: string): Promise<boolean> {
    const found = await client.read(key);
    if (found !== "none") this.model.observe(key, found ?? undefined);
    return found !== "none";
  }

  /** When nothing is written any more: every key is looked at, and the whole is listed. */
  async verify(): Promise<void> {
    const [first] = this.#clients;
    if (first === undefined) return;
    for (const key of this.model.keys()) {
      let tries = 0;
      while (!(await this.#look(first, key)) && ++tries < LAST_LOOKS) await sleep(LOOK_AGAIN_MS);
      if (tries === LAST_LOOKS) this.model.complaints.push(`${key} cannot be read at the end`);
    }
    const listed = await first.list(PREFIX);
    if (listed === "none") this.model.complaints.push("at the end there was no listing to be had");
    else this.model.compareListing(new Set(listed.keys()));
  }
}
