/**
 * Few keys that several clients write, read, delete and list at the same time; what they asked and
 * were told is judged. After a while all go on to fresh keys, so that no history grows too long; the
 * old ones are read once more, late, and then judged.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Dice } from "../../raft/testing/dice.ts";
import type { Seen } from "../linearizable/history.ts";
import { Recorder } from "../linearizable/recorder.ts";
import type { Progress } from "./progress.ts";
import type { Registers, Write } from "./registers.ts";

const KEYS = 4;
const WHILE_MS = 4_000;
/** Pause of a client between two requests. */
const LONGEST_PAUSE_MS = 30;
const UNANSWERED_PAUSE_MS = 300;
const READER = 0;
const LAST_READS = 20;

export class SharedKeys {
  readonly recorder = new Recorder();
  unknown = 0;
  lists = 0;
  readonly #progress: Progress;
  readonly #startMs = performance.now();
  /** What was last seen of each key, for conditions that may hold. */
  readonly #seen = new Map<string, Seen>();
  #count = 0;
  #closed = 0;

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  /** One client asks until `isOver`. */
  async ask(
    client: number,
    registers: Registers,
    dice: Dice,
    isOver: () => boolean,
  ): Promise<void> {
    while (!isOver()) {
      await sleep(dice.between(0, LONGEST_PAUSE_MS));
      let isAnswered = true;
      if (dice.chance(0.1)) await this.#list(client, registers);
      else if (dice.chance(0.4)) isAnswered = await this.readAny(client, registers, dice);
      else isAnswered = await this.writeAny(client, registers, dice);
      // Each change without an answer may take effect at any time: many at once cannot be judged.
      if (!isAnswered) await sleep(UNANSWERED_PAUSE_MS);
    }
  }

  /** Reads one of the keys that are in use now; false: there was no answer. */
  async readAny(client: number, registers: Registers, dice: Dice): Promise<boolean> {
    return await this.#read(client, registers, this.#key(dice));
  }

  /** The same for a change. */
  async writeAny(client: number, registers: Registers, dice: Dice): Promise<boolean> {
    const key = this.#key(dice);
    return await this.#write(client, registers, key, this.#request(key, dice));
  }

  async #read(client: number, registers: Registers, key: string): Promise<boolean> {
    const begun = this.recorder.begin(client, key, { type: "read" });
    const seen = await registers.read(key);
    this.recorder.end(begun, seen === "none" ? "none" : { type: "seen", seen });
    if (seen !== "none") this.#seen.set(key, seen);
    return seen !== "none";
  }

  /** Looks after keys whose time is over, until `isOver`; then after all that are left. */
  async close(registers: Registers, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await sleep(100);
      // One while later, so that what happened in between cannot have undone anything.
      if (this.#while() > this.#closed + 1) await this.#closeNext(registers);
    }
  }

  async closeAll(registers: Registers): Promise<void> {
    while (this.#closed <= this.#while()) await this.#closeNext(registers);
  }

  async #closeNext(registers: Registers): Promise<void> {
    const prefix = prefixOf(this.#closed++);
    for (const key of keysOf(prefix)) {
      let tries = 0;
      while (!(await this.#read(READER, registers, key)) && ++tries < LAST_READS) await sleep(100);
      this.recorder.over(key);
      this.#seen.delete(key);
    }
  }

  #while(): number {
    return Math.floor((performance.now() - this.#startMs) / WHILE_MS);
  }

  #prefix(): string {
    return prefixOf(this.#while());
  }

  #key(dice: Dice): string {
    return `${this.#prefix()}${dice.between(1, KEYS)}`;
  }

  async #list(client: number, registers: Registers): Promise<void> {
    const prefix = this.#prefix();
    const all = keysOf(prefix).map((key) => this.recorder.begin(client, key, { type: "read" }));
    const listed = await registers.list(prefix);
    this.lists++;
    for (const begun of all) {
      const seen = listed === "none" ? undefined : (listed.get(begun.key) ?? null);
      this.recorder.end(begun, seen === undefined ? "none" : { type: "seen", seen });
    }
  }

  async #write(
    client: number,
    registers: Registers,
    key: string,
    request: Write,
  ): Promise<boolean> {
    const begun = this.recorder.begin(client, key, request);
    const begunMs = performance.now();
    const told = await registers.write(key, request);
    this.recorder.end(begun, told);
    if (told === "open") this.unknown++;
    else if (told !== "none" && told.type === "done") {
      this.#progress.acknowledge(begunMs);
      this.#seen.set(key, request.type === "put" ? request.etag : null);
    }
    return told !== "open" && told !== "none";
  }

  #request(key: string, dice: Dice): Write {
    if (dice.chance(0.2)) return { type: "delete" };
    const etag = `s${++this.#count}`;
    const seen = this.#seen.get(key) ?? "none";
    return { type: "put", etag, ...(dice.chance(0.5) && { match: seen }) };
  }
}

const prefixOf = (number: number) => `shared/${number}/`;

const keysOf = (prefix: string) => Array.from({ length: KEYS }, (_, i) => `${prefix}${i + 1}`);
