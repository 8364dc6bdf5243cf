/**
 * Reads answers of HTTP/1.1 from the bytes of one connection: bodies with a content-length, in chunks,
 * or none. Bodies are counted; those of errors and those that are asked for are kept, up to a maximum.
 */

const HEAD_BYTES_MAX = 64 * 1024;
const KEPT_BYTES_MAX = 4 * 1024 * 1024;
const ERROR_BYTES_KEPT = 1000;

export interface HttpAnswer {
  readonly status: number;
  readonly bodyBytes: number;
  /** The body, where it was asked for; the begin of an error. */
  readonly text: string;
  readonly etag: string | undefined;
  /** Whether the server closes the connection behind this answer. */
  readonly isLast: boolean;
}

/** Where in the answer the next byte stands. */
type Place = "head" | "body" | "size" | "chunk" | "behindChunk" | "trailer";

export class AnswerReader {
  #place: Place = "head";
  #line = "";
  #head = "";
  #status = 0;
  #leftBytes = 0;
  #bodyBytes = 0;
  #keep = 0;
  #text = "";

  /** Whether the body of the answer that comes next is kept. */
  expect(keepsBody: boolean): void {
    this.#keep = keepsBody ? KEPT_BYTES_MAX : 0;
  }

  /** The answer, when `bytes` end it. Throws when they are no answer, or more than one. */
  push(bytes: Buffer): HttpAnswer | undefined {
    let at = 0;
    while (at < bytes.length)
      switch (this.#place) {
        case "head": {
          at = this.#readHead(bytes, at);
          if (this.#isWhole()) return this.#end(bytes, at);
          break;
        }
        case "body":
        case "chunk": {
          at = this.#take(bytes, at);
          if (this.#leftBytes > 0) break;
          if (this.#isWhole()) return this.#end(bytes, at);
          this.#place = "behindChunk";
          break;
        }
        default: {
          at = this.#readLine(bytes, at);
          if (!this.#line.endsWith("\n")) break;
          const line = this.#line.trim();
          this.#line = "";
          if (this.#place === "trailer" && line === "") return this.#end(bytes, at);
          this.#afterLine(line);
        }
      }
    return undefined;
  }

  /** Whether the head says that no body follows. */
  #isWhole(): boolean {
    return this.#place === "body" && this.#leftBytes === 0;
  }

  #afterLine(line: string): void {
    if (this.#place === "behindChunk") this.#place = "size";
    else if (this.#place === "size") {
      this.#leftBytes = Number.parseInt(line, 16);
      if (Number.isNaN(this.#leftBytes)) throw new Error(`a chunk without a size: ${line}`);
      this.#place = this.#leftBytes === 0 ? "trailer" : "chunk";
    }
  }

  #readHead(bytes: Buffer, at: number): number {
    const before = this.#head.length;
    this.#head += bytes.toString("latin1", at, Math.min(bytes.length, at + HEAD_BYTES_MAX));
    const end = this.#head.indexOf("\r\n\r\n");
    if (end < 0) {
      if (this.#head.length > HEAD_BYTES_MAX) throw new Error("a head without an end");
      return bytes.length;
    }
    this.#head = this.#head.slice(0, end + 2);
    this.#status = Number(this.#head.slice(9, 12));
    this.#bodyBytes = 0;
    this.#text = "";
    if (this.#status >= 300) this.#keep = ERROR_BYTES_KEPT;
    this.#leftBytes = Number(this.#header("content-length") ?? 0);
    this.#place = /chunked/i.test(this.#header("transfer-encoding") ?? "") ? "size" : "body";
    return at + end + 4 - before;
  }

  #header(name: string): string | undefined {
    return new RegExp(`\r\n${name}: *([^\r]*)\r`, "i").exec(this.#head)?.[1];
  }

  #take(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#leftBytes);
    const wanted = Math.min(end - at, this.#keep - this.#text.length);
    if (wanted > 0) this.#text += bytes.toString("latin1", at, at + wanted);
    this.#bodyBytes += end - at;
    this.#leftBytes -= end - at;
    return end;
  }

  #readLine(bytes: Buffer, at: number): number {
    const newline = bytes.indexOf(10, at);
    const end = newline < 0 ? bytes.length : newline + 1;
    this.#line += bytes.toString("latin1", at, end);
    if (this.#line.length > HEAD_BYTES_MAX) throw new Error("a line without an end");
    return end;
  }

  #end(bytes: Buffer, at: number): HttpAnswer {
    if (at < bytes.length) throw new Error("more bytes than announced");
    const answer = {
      status: this.#status,
      bodyBytes: this.#bodyBytes,
      text: this.#text,
      etag: this.#header("etag"),
      isLast: /close/i.test(this.#header("connection") ?? ""),
    };
    this.#place = "head";
    this.#head = "";
    return answer;
  }
}
