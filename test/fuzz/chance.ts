/** Choices from a seed: what every target of the fuzz draws its input from. */
import { seededRandom } from "../../base/random.ts";

const SPECIAL = "/%?&=+#.:;,<>!\"'\\|^`{}[]()*~-_@$ \t\r\n\0\x7f";
const WIDE = "\u00e9\u00ff\u0100\u20ac\ufeff\ufffd\ufffe\uffff\u2028\ud7ff\ue000";

export class Chance {
  readonly #random: ReturnType<typeof seededRandom>;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** 0 … below-1. */
  below(below: number): number {
    return this.#random.u32() % below;
  }

  /** 0 … most, small numbers more often than large ones. */
  upTo(most: number): number {
    return this.below(this.below(most + 1) + 1);
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  one<T>(list: readonly [T, ...T[]]): T;
  one<T>(list: readonly T[]): T | undefined;
  one<T>(list: readonly T[]): T | undefined {
    return list[this.below(list.length)];
  }

  bytes(length: number): Buffer {
    return this.#random.bytes(length);
  }

  /** Any character but a lone surrogate: letters, what has a meaning somewhere, what is rare. */
  char(): string {
    switch (this.below(8)) {
      case 0:
      case 1:
        return SPECIAL[this.below(SPECIAL.length)] ?? "";
      case 2:
        return WIDE[this.below(WIDE.length)] ?? "";
      case 3:
        return String.fromCodePoint(0x10000 + this.below(0x100000));
      default:
        return String.fromCharCode(97 + this.below(26));
    }
  }

  text(most: number): string {
    let out = "";
    for (let left = this.upTo(most); left > 0; left--) out += this.char();
    return out;
  }

  /** Letters and digits only. */
  word(most: number): string {
    return this.bytes(this.upTo(most)).toString("base64url").replace(/[-_]/g, "0").slice(0, most);
  }

  /** Cuts bytes into pieces of any length, though not into more than some thousands. */
  pieces(bytes: Uint8Array): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    const least = Math.ceil(bytes.length / 2000);
    const most = Math.max(least, this.one([1, 7, 100, 5000, 200_000]));
    for (let at = 0; at < bytes.length; ) {
      const to = at + 1 + this.below(most);
      pieces.push(bytes.subarray(at, to));
      at = to;
    }
    return pieces;
  }

  /** One small change somewhere: a byte changed, left out, put in, doubled, or the end cut off. */
  change(bytes: Uint8Array): Buffer {
    const at = this.below(bytes.length + 1);
    const before = bytes.subarray(0, at);
    const rest = bytes.subarray(at);
    switch (this.below(6)) {
      case 0:
        return Buffer.concat([before, Buffer.from(this.char()), rest]);
      case 1:
        return Buffer.concat([before, rest.subarray(1 + this.upTo(4))]);
      case 2:
        return Buffer.from(before);
      case 3:
        return Buffer.concat([before, rest.subarray(0, this.upTo(40)), rest]);
      default: {
        const changed = Buffer.from(bytes);
        if (at < changed.length) changed[at] = (changed[at] ?? 0) ^ (1 << this.below(8));
        return changed;
      }
    }
  }

  /** A text with one small change, as bytes of latin1. */
  changeText(text: string): string {
    return this.change(Buffer.from(text, "latin1")).toString("latin1");
  }
}
