/**
 * The `aws-chunked` body, parsed piece by piece without copying payload. Pure.
 *
 *   chunk    hex-length [";chunk-signature=" 64 hex] CRLF data CRLF
 *   end      a chunk of length 0, then trailer lines "name:value" CRLF, then an empty line
 */
import { limits } from "../base/limits.ts";
import { S3Error } from "./s3/errors.ts";

/** What checks the chunks as they pass; absent for unsigned bodies. */
export interface ChunkChecks {
  begin(signature: string): void;
  update(data: Uint8Array): void;
  end(): void;
  trailer(canonical: string, signature: string): void;
}

const CR = 13;
const LF = 10;
const SIGNATURE = "chunk-signature=";
const TRAILER_SIGNATURE = "x-amz-trailer-signature";

export class AwsChunkedDecoder {
  /** Trailers by lower-case name, complete once {@link finish} has returned. */
  readonly trailers = new Map<string, string>();
  readonly #checks: ChunkChecks | undefined;
  readonly #trailer: boolean;
  #state: "head" | "data" | "data-end" | "trailer" | "done" = "head";
  #line = "";
  #leftBytes = 0;
  #afterData = 0;
  #canonicalTrailer = "";
  #trailerSignature: string | undefined;

  /** `trailer`: whether the body was announced to end with trailers. */
  constructor(trailer: boolean, checks: ChunkChecks | undefined) {
    this.#trailer = trailer;
    this.#checks = checks;
  }

  /** Parses the next bytes; views of payload are pushed to `out`. */
  feed(input: Uint8Array, out: Uint8Array[]): void {
    let at = 0;
    while (at < input.length) {
      switch (this.#state) {
        case "head":
        case "trailer":
          at = this.#readLine(input, at);
          break;
        case "data": {
          const view = input.subarray(at, at + this.#leftBytes);
          this.#checks?.update(view);
          out.push(view);
          at += view.length;
          this.#leftBytes -= view.length;
          if (this.#leftBytes === 0) this.#state = "data-end";
          break;
        }
        case "data-end":
          if (input[at] !== (this.#afterData === 0 ? CR : LF)) throw malformed();
          at++;
          if (++this.#afterData === 2) this.#endOfChunk();
          break;
        case "done":
          throw malformed("Bytes follow the end of the chunked body.");
      }
    }
  }

  /** To be called when the input has ended: throws unless the body was complete. */
  finish(): void {
    if (this.#state !== "done") throw new S3Error("IncompleteBody");
  }

  #endOfChunk(): void {
    this.#checks?.end();
    this.#afterData = 0;
    this.#state = "head";
  }

  #readLine(input: Uint8Array, from: number): number {
    const end = input.indexOf(LF, from);
    const to = end < 0 ? input.length : end;
    if (this.#line.length + to - from > limits.chunkLineBytes)
      throw malformed("A line of the chunked body is too long.");
    this.#line += Buffer.from(input.buffer, input.byteOffset + from, to - from).toString("latin1");
    if (end < 0) return to;
    const line = this.#line;
    this.#line = "";
    if (this.#state === "head") this.#chunkHead(line);
    else this.#trailerLine(line.endsWith("\r") ? line.slice(0, -1) : line);
    return end + 1;
  }

  #chunkHead(line: string): void {
    if (!line.endsWith("\r")) throw malformed();
    const semicolon = line.indexOf(";");
    const length = line.slice(0, semicolon < 0 ? -1 : semicolon);
    if (!/^[0-9a-fA-F]{1,12}$/.test(length)) throw malformed();
    this.#leftBytes = Number.parseInt(length, 16);
    if (this.#checks !== undefined) {
      const extension = semicolon < 0 ? "" : line.slice(semicolon + 1, -1);
      if (!extension.startsWith(SIGNATURE))
        throw new S3Error("SignatureDoesNotMatch", "A chunk has no signature.");
      this.#checks.begin(extension.slice(SIGNATURE.length));
    }
    if (this.#leftBytes > 0) this.#state = "data";
    else {
      this.#checks?.end();
      this.#state = "trailer";
    }
  }

  #trailerLine(line: string): void {
    if (line === "") {
      this.#end();
      return;
    }
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (!this.#trailer || name === "" || this.trailers.size >= limits.chunkTrailers)
      throw new S3Error("MalformedTrailerError");
    if (this.#trailerSignature !== undefined || this.trailers.has(name))
      throw new S3Error("MalformedTrailerError");
    if (name === TRAILER_SIGNATURE) this.#trailerSignature = value;
    else {
      this.trailers.set(name, value);
      this.#canonicalTrailer += `${name}:${value}\n`;
    }
  }

  #end(): void {
    this.#state = "done";
    if (this.#checks === undefined || !this.#trailer) return;
    if (this.#trailerSignature === undefined)
      throw new S3Error("SignatureDoesNotMatch", "The trailer has no signature.");
    this.#checks.trailer(this.#canonicalTrailer, this.#trailerSignature);
  }
}

function malformed(message = "The chunked body is malformed."): S3Error {
  return new S3Error("IncompleteBody", message);
}
