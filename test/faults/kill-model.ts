/**
 * What a store that is killed may answer afterwards. Every key has one writer, so its history is a
 * line: the last acknowledged state, and the operations whose answer never came.
 */
import { createHash } from "node:crypto";
import { seededRandom } from "../../base/random.ts";

/** SHA-256 of the content in hex, or undefined for "not there". */
export type State = string | undefined;

interface KeyHistory {
  acknowledged: State;
  /** Outcomes of operations that were under way when the store died. */
  readonly possible: Set<State>;
}

/** Content that anyone can make again: by key, version and length. */
export function contentOf(key: string, version: number, lengthBytes: number): Buffer {
  const seed = createHash("sha256").update(`${key}\0${version}`).digest().readUInt32LE(0);
  const block = seededRandom(seed).bytes(Math.min(lengthBytes, 4096));
  const content = Buffer.alloc(lengthBytes, block.length > 0 ? block : "x");
  if (lengthBytes >= 8) content.writeUInt32LE(version, lengthBytes - 4);
  return content;
}

export const sha256 = (content: Uint8Array): string =>
  createHash("sha256").update(content).digest("hex");

export class KillModel {
  readonly #keys = new Map<string, KeyHistory>();
  /** Counts for the last line. */
  acknowledged = 0;
  lost = 0;
  wrong = 0;
  /** Of the wrong ones: what was deleted is there. */
  resurrected = 0;
  readonly complaints: string[] = [];

  keys(): string[] {
    return [...this.#keys.keys()];
  }

  /**
   * An operation begins: until it is acknowledged, both outcomes are possible. What is given back is
   * to be called when it certainly did not happen.
   */
  begin(key: string, outcome: State): () => void {
    const { possible } = this.#of(key);
    possible.add(outcome);
    return () => {
      possible.delete(outcome);
    };
  }

  acknowledge(key: string, outcome: State): void {
    const history = this.#of(key);
    history.acknowledged = outcome;
    history.possible.clear();
    this.acknowledged++;
  }

  /** What a read found: it must be the acknowledged state or a possible one, and is known from now on. */
  observe(key: string, found: State): void {
    const history = this.#of(key);
    if (found !== history.acknowledged && !history.possible.has(found)) {
      if (found === undefined) this.lost++;
      else this.wrong++;
      if (history.acknowledged === undefined) this.resurrected++;
      this.complaints.push(
        `${key}: found ${found ?? "nothing"}, acknowledged ${history.acknowledged ?? "nothing"}, possible ${[...history.possible].map((s) => s ?? "nothing").join(",")}`,
      );
    }
    history.acknowledged = found;
    history.possible.clear();
  }

  /** While nothing is under way, a key that is acknowledged as there must be listed, and no other. */
  compareListing(listed: ReadonlySet<string>): void {
    for (const [key, history] of this.#keys) {
      if (history.possible.size > 0) continue;
      if ((history.acknowledged !== undefined) === listed.has(key)) continue;
      if (listed.has(key)) this.wrong++;
      else this.lost++;
      this.complaints.push(`${key}: listed ${listed.has(key)}, but it is ${history.acknowledged}`);
    }
    for (const key of listed)
      if (!this.#keys.has(key)) {
        this.wrong++;
        this.complaints.push(`${key} is listed and was never written`);
      }
  }

  #of(key: string): KeyHistory {
    const known = this.#keys.get(key);
    if (known !== undefined) return known;
    const fresh = { acknowledged: undefined, possible: new Set<State>() };
    this.#keys.set(key, fresh);
    return fresh;
  }
}
