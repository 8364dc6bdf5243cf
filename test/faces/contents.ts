/** Contents that were written, so that a part of one can be compared. No two are the same, but empty ones. */
import type { Dice } from "../../raft/testing/dice.ts";
import { contentOf, sha256 } from "../faults/kill-model.ts";

/** Of no bytes there is no blob. */
export const EMPTY = sha256(Buffer.alloc(0));

export class Contents {
  readonly #made = new Map<string, () => Buffer>();
  #version = 0;

  make(name: string, dice: Dice): Buffer {
    const version = this.#version++;
    const lengthBytes = sizeOf(dice);
    const content = contentOf(name, version, lengthBytes);
    this.#made.set(sha256(content), () => contentOf(name, version, lengthBytes));
    return content;
  }

  has(sum: string): boolean {
    return this.#made.has(sum);
  }

  of(sum: string): Buffer {
    const make = this.#made.get(sum);
    if (make === undefined) throw new Error(`nobody wrote ${sum}`);
    return make();
  }
}

/** Mostly small, some around the borders of spans, a few of several chunks. Those of 1 to 7 bytes would repeat. */
function sizeOf(dice: Dice): number {
  const draw = dice.between(1, 1000);
  if (draw <= 20) return 0;
  if (draw <= 800) return dice.between(8, 20_000);
  if (draw <= 950) return 65_536 * dice.between(1, 4) + dice.between(-1, 1);
  if (draw <= 990) return dice.between(8, 1_000_000);
  return 4_194_304 * dice.between(1, 2) + dice.between(-1, 1);
}
