/** An object as it was when it was asked for (INV-3): what is known of it, and its bytes. */
import { Readable } from "node:stream";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { OpenObject } from "../store.ts";
import { type ObjectStat, statOf } from "./description.ts";

/** Bytes from `start` on and before `end`; without them from the first, to the last. */
export interface Range {
  readonly start?: number;
  readonly end?: number;
}

export class StoredObject {
  readonly stat: ObjectStat;
  readonly #opened: OpenObject;

  constructor(opened: OpenObject) {
    this.stat = statOf(opened.object);
    this.#opened = opened;
  }

  get lengthBytes(): number {
    return this.stat.lengthBytes;
  }

  /** Verified bytes; those behind the end of the object are left out. */
  stream(range: Range = {}): Readable {
    const { offset, lengthBytes } = this.#span(range);
    return Readable.from(copies(this.#opened.read(offset, lengthBytes)), { objectMode: false });
  }

  /** In memory. @throws QuarryError `TooLarge` beyond `limits.wholeBytes`: take a stream. */
  async bytes(range: Range = {}): Promise<Buffer> {
    const { offset, lengthBytes } = this.#span(range);
    if (lengthBytes > limits.wholeBytes)
      throw new QuarryError("TooLarge", `${this.stat.key} is large: read it with stream()`);
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

/** What a stream hands on is kept by others, who knows how long. */
async function* copies(views: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const view of views) yield Buffer.from(view);
}
