/**
 * Large buffers that are used again: the system hands out fresh memory page by page, which costs
 * several times what the copy into it does.
 */
import { limits } from "../base/limits.ts";

const CLASS_BITS_MIN = 17;

export class BufferPool {
  /** Free buffers by the logarithm of their size. */
  readonly #free = new Map<number, Buffer[]>();
  #keptBytes = 0;

  /** A buffer of this length, with anything in it. */
  take(lengthBytes: number): Buffer {
    const bits = Math.max(CLASS_BITS_MIN, 32 - Math.clz32(lengthBytes - 1));
    const kept = this.#free.get(bits)?.pop();
    if (kept !== undefined) this.#keptBytes -= kept.length;
    return (kept ?? Buffer.allocUnsafeSlow(2 ** bits)).subarray(0, lengthBytes);
  }

  /** Takes back what `take` gave; nobody may use it any more. */
  give(buffer: Buffer): void {
    const whole = Buffer.from(buffer.buffer);
    if (this.#keptBytes + whole.length > limits.rpcPoolBytes) return;
    this.#keptBytes += whole.length;
    const bits = 31 - Math.clz32(whole.length);
    const free = this.#free.get(bits);
    if (free === undefined) this.#free.set(bits, [whole]);
    else free.push(whole);
  }
}
