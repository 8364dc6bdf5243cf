/**
 * Objects whose content anybody can make again from their name: written through gateways, read back
 * whole and compared byte for byte, with what became of each request.
 */
import { createCipheriv, createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { limits } from "../../base/limits.ts";
import type { Dice } from "../../raft/testing/dice.ts";
import { type Quantiles, quantilesOf } from "./progress.ts";
import { CUT_OFF, codeOf, type S3Wire } from "./s3-wire.ts";

const BUCKET = "corpus";
const AT_ONCE = 8;
const TRIES = 40;
const COMPLAINTS_KEPT = 20;
const zeros = Buffer.alloc(16 * 1024 * 1024);

/** No two of its bytes stand where they could stand in for each other. */
export function contentFor(key: string, lengthBytes: number): Buffer {
  const seed = createHash("md5").update(key).digest();
  return createCipheriv("aes-128-ctr", seed, zeros.subarray(0, 16)).update(
    lengthBytes <= zeros.length ? zeros.subarray(0, lengthBytes) : Buffer.alloc(lengthBytes),
  );
}

/** What reading a set of objects came to. */
export class ReadTally {
  right = 0;
  /** Not there; there with other bytes. */
  lost = 0;
  wrong = 0;
  /** Refused, by what was said. */
  readonly refused = new Map<string, number>();
  readonly complaints: string[] = [];
  readonly tookMs: number[] = [];

  get refusals(): number {
    return [...this.refused.values()].reduce((sum, count) => sum + count, 0);
  }

  get quantiles(): Quantiles {
    return quantilesOf(this.tookMs);
  }

  complain(what: string): void {
    if (this.complaints.length < COMPLAINTS_KEPT) this.complaints.push(what);
  }
}

export interface Entry {
  readonly key: string;
  readonly lengthBytes: number;
}

export class Corpus {
  readonly entries = new Map<string, Entry>();
  readonly #wires: readonly S3Wire[];
  /** Changes that were acknowledged, and those that were refused. */
  acknowledged = 0;
  refused = 0;
  #turn = 0;

  constructor(wires: readonly S3Wire[]) {
    this.#wires = wires;
  }

  async prepare(): Promise<void> {
    const { status, body } = await this.#wire().ask("PUT", `/${BUCKET}`);
    if (status !== 200 && status !== 409) throw new Error(`no bucket: ${status} ${body}`);
  }

  get totalBytes(): number {
    return [...this.entries.values()].reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  }

  /** Undefined when it was stored; else what was answered. */
  async put(key: string, lengthBytes: number, storageClass?: string): Promise<string | undefined> {
    const headers: Record<string, string> =
      storageClass === undefined ? {} : { "x-amz-storage-class": storageClass };
    const content = contentFor(key, lengthBytes);
    const answer = await this.#wire().ask("PUT", `/${BUCKET}/${key}`, content, headers);
    if (answer.status !== 200) {
      this.refused++;
      return `${answer.status} ${codeOf(answer)}`;
    }
    this.acknowledged++;
    this.entries.set(key, { key, lengthBytes });
    return undefined;
  }

  /** Stores so many objects, some at a time. @throws when one is refused again and again. */
  async fill(prefix: string, sizes: readonly number[], atOnce = AT_ONCE): Promise<void> {
    await inTurns([...sizes.entries()], atOnce, async ([at, lengthBytes]) => {
      let answer: string | undefined = "";
      for (let attempt = 0; attempt < TRIES && answer !== undefined; attempt++) {
        if (attempt > 0) await sleep(250);
        answer = await this.put(`${prefix}${at}`, lengthBytes);
      }
      if (answer !== undefined) throw new Error(`${prefix}${at} was not stored: ${answer}`);
    });
  }

  async remove(key: string): Promise<boolean> {
    const { status } = await this.#wire().ask("DELETE", `/${BUCKET}/${key}`);
    if (status !== 204) return false;
    this.entries.delete(key);
    this.acknowledged++;
    return true;
  }

  /** Reads each once, in any order. */
  async readAll(tally = new ReadTally(), keys = [...this.entries.keys()]): Promise<ReadTally> {
    await inTurns(keys, AT_ONCE, (key) => this.read(key, tally));
    return tally;
  }

  /** Reads any of them, again and again, until `isOver`. */
  async readOn(tally: ReadTally, dice: Dice, isOver: () => boolean, pauseMs = 0): Promise<void> {
    const keys = [...this.entries.keys()];
    while (!isOver()) {
      const key = keys[dice.between(0, keys.length - 1)];
      if (key !== undefined) await this.read(key, tally);
      await sleep(pauseMs);
    }
  }

  async read(key: string, tally: ReadTally): Promise<void> {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    const begunMs = performance.now();
    const answer = await this.#wire().ask("GET", `/${BUCKET}/${key}`);
    tally.tookMs.push(performance.now() - begunMs);
    if (answer.status === 200 && contentFor(key, entry.lengthBytes).equals(answer.body))
      tally.right++;
    else if (answer.status === 200) {
      tally.wrong++;
      tally.complain(`${key} of ${entry.lengthBytes} bytes is read with other bytes`);
    } else if (answer.status === 404) {
      tally.lost++;
      tally.complain(`${key} is lost: ${codeOf(answer)}`);
    } else {
      const said = `${answer.status} ${codeOf(answer) || answer.body.toString().slice(0, 200)}`;
      tally.refused.set(said, (tally.refused.get(said) ?? 0) + 1);
      if (said.startsWith(`0 ${CUT_OFF}`) && entry.lengthBytes <= limits.checksumSpanBytes)
        tally.complain(`${key} of ${entry.lengthBytes} bytes is ${said}`);
    }
  }

  #wire(): S3Wire {
    const wire = this.#wires[this.#turn++ % this.#wires.length];
    if (wire === undefined) throw new Error("a corpus needs a gateway");
    return wire;
  }
}

/** At most so many at the same time. */
export async function inTurns<T>(
  all: readonly T[],
  atOnce: number,
  work: (one: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const one = async () => {
    while (next < all.length) await work(all[next++] as T);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

/** Mostly small, some around the borders of spans and chunks, a few of several chunks. */
export function mixedSizes(dice: Dice, count: number): number[] {
  return Array.from({ length: count }, () => {
    const draw = dice.between(0, 99);
    if (draw < 60) return dice.between(1, 20_000);
    if (draw < 75) return 65_536 * dice.between(1, 4) + dice.between(-1, 1);
    if (draw < 95) return dice.between(100_000, 1_500_000);
    return 4_194_304 * dice.between(1, 2) + dice.between(-1, 1);
  });
}
