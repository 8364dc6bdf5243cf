/** Contents that were written, so that a part of one can be compared. No two are the same, but empty ones. */
import type { Dice } from "../../raft/testing/dice.ts";
import { contentOf, sha256 } from "../faults/kill-model.ts";

/** A run of bytes of one blob, known by the number under which it was written. */
interface Piece {
  readonly blob: number;
  readonly start: number;
  readonly end: number;
}

interface Content {
  readonly make: () => Buffer;
  readonly pieces: readonly Piece[];
}

export class Contents {
  readonly #made = new Map<string, Content>();
  #version = 0;

  make(name: string, dice: Dice): Buffer {
    const version = this.#version++;
    const lengthBytes = sizeOf(dice);
    const make = () => contentOf(name, version, lengthBytes);
    const pieces = lengthBytes === 0 ? [] : [{ blob: version, start: 0, end: lengthBytes }];
    return this.#note({ make, pieces });
  }

  /** One behind the other. */
  join(first: string, second: string): Buffer {
    const [a, b] = [this.#of(first), this.#of(second)];
    const make = () => Buffer.concat([a.make(), b.make()]);
    return this.#note({ make, pieces: [...a.pieces, ...b.pieces] });
  }

  /** The first `lengthBytes` of it. */
  cut(sum: string, lengthBytes: number): Buffer {
    const { make, pieces } = this.#of(sum);
    const kept: Piece[] = [];
    let left = lengthBytes;
    for (const { blob, start, end } of pieces) {
      const most = Math.min(left, end - start);
      if (most > 0) kept.push({ blob, start, end: start + most });
      left -= most;
    }
    return this.#note({ make: () => make().subarray(0, lengthBytes), pieces: kept });
  }

  has(sum: string): boolean {
    return this.#made.has(sum);
  }

  of(sum: string): Buffer {
    return this.#of(sum).make();
  }

  /** Of how many blobs it is put together, and which. */
  blobs(sum: string): number[] {
    return this.#of(sum).pieces.map(({ blob }) => blob);
  }

  #of(sum: string): Content {
    const content = this.#made.get(sum);
    if (content === undefined) throw new Error(`nobody wrote ${sum}`);
    return content;
  }

  #note(content: Content): Buffer {
    const bytes = content.make();
    this.#made.set(sha256(bytes), content);
    return bytes;
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
