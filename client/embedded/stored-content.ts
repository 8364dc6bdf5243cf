/** The bytes of something that is stored, as they were when it was asked for (INV-3), each verified. */
import { Readable } from "node:stream";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { OpenObject } from "../store.ts";

/** Bytes from `start` on and before `end`; without them from the first, to the last. */
export interface Range {
  readonly start?: number;
  readonly end?: number;
}

export class StoredContent {
  readonly lengthBytes: number;
  readonly #opened: Pick<OpenObject, "read" | "take">;

  constructor(lengthBytes: number, opened: Pick<OpenObject, "read" | "take">) {
    this.lengthBytes = lengthBytes;
    this.#opened = opened;
  }

  /** What lies behind the end is left out. */
  stream(range: Range = {}): Readable {
    const { offset, lengthBytes } = this.#span(range);
    return Readable.from(this.#opened.take(offset, lengthBytes), { objectMode: false });
  }

  /** In memory. @throws QuarryError `TooLarge` beyond `limits.wholeBytes`: take a stream. */
  async bytes(range: Range = {}): Promise<Buffer> {
    const { offset, lengthBytes } = this.#span(range);
    if (lengthBytes > limits.wholeBytes)
      throw new QuarryError("TooLarge", `${lengthBytes} bytes are many: read them with stream()`);
    const whole = Buffer.allocUnsafe(lengthBytes);
    let at = 0;
    for await (const view of this.#opened.read(offset, lengthBytes)) {
      whole.set(view, at);
      at += view.length;
    }
    return whole;
  }

  async text(): Promise<string> {
    return (await this.bytes()).toString();
  }

  #span({ start = 0, end = Math.max(start, this.lengthBytes) }: Range) {
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start)
      throw new QuarryError("InvalidArgument", `${start} to ${end} is no range of bytes`);
    const offset = Math.min(start, this.lengthBytes);
    return { offset, lengthBytes: Math.min(end, this.lengthBytes) - offset };
  }
}
