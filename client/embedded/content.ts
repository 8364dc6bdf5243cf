/** What a program hands over to be stored: read once, its length and MD5 known behind the last byte. */
import { createHash } from "node:crypto";
import { QuarryError } from "../../base/errors.ts";
import type { Body } from "../store.ts";

/** Text is stored as UTF-8. A stream of Node or of the web is an iterable of bytes. */
export type Content =
  | string
  | Uint8Array
  | AsyncIterable<Uint8Array | string>
  | Iterable<Uint8Array>;

export class HashedContent implements Body {
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly lengthBytes?: number;
  readonly #md5 = createHash("md5");
  #readBytes = 0;
  #etag: string | undefined;

  constructor(content: Content) {
    const isWhole = typeof content === "string" || content instanceof Uint8Array;
    const parts = isWhole ? [bytesOf(content)] : content;
    if (isWhole) this.lengthBytes = bytesOf(content).length;
    this.bytes = this.#hashed(parts);
  }

  /** Of what was read. */
  get readBytes(): number {
    return this.#readBytes;
  }

  /** MD5 in hex, as S3 has it for an ETag. Asked for when all is read. */
  get etag(): string {
    this.#etag ??= this.#md5.digest("hex");
    return this.#etag;
  }

  async *#hashed(
    parts: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    for await (const part of parts) {
      const bytes = bytesOf(part);
      this.#md5.update(bytes);
      this.#readBytes += bytes.length;
      yield bytes;
    }
  }
}

function bytesOf(part: unknown): Uint8Array {
  if (typeof part === "string") return Buffer.from(part);
  if (part instanceof Uint8Array) return part;
  throw new QuarryError("InvalidArgument", "content is text, bytes, or a stream of bytes");
}
