/**
 * Reads a multipart/form-data body part by part while it arrives (RFC 7578). All that stands before
 * the bytes of the file has one budget; the file itself is handed on as it comes, and what follows
 * it is read and thrown away.
 */
import { limits } from "../../base/limits.ts";
import { S3Error } from "../s3/errors.ts";

const CRLF = Buffer.from("\r\n");
const HEAD_END = Buffer.from("\r\n\r\n");
const DASHES = Buffer.from("--");
/** Of a boundary (RFC 2046). */
const BOUNDARY_CHARS = 70;

/** The boundary that a Content-Type announces; undefined for anything but a form with files. */
export function boundaryOf(contentType: string | undefined): string | undefined {
  if (contentType === undefined || !/^multipart\/form-data\s*;/i.test(contentType))
    return undefined;
  const found = /;\s*boundary\s*=\s*(?:"([^"]+)"|([^\s;,"]+))/i.exec(contentType);
  const boundary = found?.[1] ?? found?.[2];
  return boundary === undefined || boundary.length > BOUNDARY_CHARS ? undefined : boundary;
}

export class MultipartReader {
  readonly #body: AsyncIterator<Uint8Array, unknown>;
  /** What ends a part: a line end belongs to it. */
  readonly #delimiter: Buffer;
  /** Arrived and not yet used. The first delimiter has no line end before it, so one is lent. */
  #held: Buffer = CRLF;
  #budgetBytes: number = limits.formBytes + CRLF.length;

  constructor(body: AsyncIterator<Uint8Array, unknown>, boundary: string) {
    this.#body = body;
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, "latin1");
  }

  /** Goes to the first part: what stands before it means nothing. */
  async begin(): Promise<void> {
    await this.#upTo(this.#delimiter);
  }

  /** The head of the next part, as latin1; undefined when there is no other. */
  async nextHead(): Promise<string | undefined> {
    while (this.#held.length < DASHES.length) await this.#receive();
    if (this.#held.subarray(0, DASHES.length).equals(DASHES)) return undefined;
    const padding = await this.#upTo(CRLF);
    if (/[^ \t]/.test(padding)) throw malformed();
    return await this.#upTo(HEAD_END);
  }

  /** The whole of a part that is no file, as latin1. */
  async text(): Promise<string> {
    return await this.#upTo(this.#delimiter);
  }

  /** The bytes of the file. Ends when its end was seen; throws when the body ends before. */
  async *file(): AsyncGenerator<Uint8Array, void> {
    const behindBytes = this.#delimiter.length + DASHES.length;
    for (;;) {
      const at = this.#held.indexOf(this.#delimiter);
      if (at >= 0 && this.#held.length >= at + behindBytes) {
        const end = this.#endsAt(at);
        if (at > 0 || !end) yield this.#use(end ? at : at + 1);
        if (end) break;
        continue;
      }
      const sureBytes = at >= 0 ? at : this.#held.length - this.#delimiter.length + 1;
      if (sureBytes > 0) yield this.#use(sureBytes);
      await this.#receive();
    }
    await this.#ignoreRest();
  }

  /** Whether what looks like a delimiter is one: a longer boundary that begins alike is not. */
  #endsAt(at: number): boolean {
    const from = at + this.#delimiter.length;
    const behind = this.#held.subarray(from, from + 2);
    return behind.equals(DASHES) || behind.equals(CRLF);
  }

  async #ignoreRest(): Promise<void> {
    let bytes = this.#held.length;
    while (bytes <= limits.formTailBytes) {
      const step = await this.#body.next();
      if (step.done === true) return;
      bytes += step.value.length;
    }
    await this.#body.return?.();
  }

  async #upTo(pattern: Buffer): Promise<string> {
    for (;;) {
      const reachBytes = this.#budgetBytes + pattern.length;
      const at = this.#held.subarray(0, reachBytes).indexOf(pattern);
      if (at >= 0) {
        this.#budgetBytes -= at + pattern.length;
        if (this.#budgetBytes < 0) throw new S3Error("MaxPostPreDataLengthExceeded");
        const text = this.#use(at).toString("latin1");
        this.#use(pattern.length);
        return text;
      }
      if (this.#held.length >= reachBytes) throw new S3Error("MaxPostPreDataLengthExceeded");
      await this.#receive();
    }
  }

  #use(lengthBytes: number): Buffer {
    const used = this.#held.subarray(0, lengthBytes);
    this.#held = this.#held.subarray(lengthBytes);
    return used;
  }

  async #receive(): Promise<void> {
    const step = await this.#body.next();
    if (step.done === true) throw malformed();
    this.#held = Buffer.concat([this.#held, step.value]);
  }
}

function malformed(): S3Error {
  return new S3Error("MalformedPOSTRequest");
}
