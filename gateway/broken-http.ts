/**
 * What is no HTTP at all, or has too large a head, never becomes a request: it is answered on the
 * socket. What such a client still sends is read for a while and thrown away, since a connection that
 * is closed on unread bytes is reset, and the answer lost.
 */
import type { Socket } from "node:net";
import type { Clock } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import { S3Error } from "./s3/errors.ts";
import { errorXml } from "./send.ts";

/** What an answer needs of the gateway. */
interface Names {
  readonly hostId: string;
  requestId(): string;
}

export class BrokenHttp {
  readonly #names: Names;
  readonly #clock: Clock;
  /** Sockets that were answered, with the bytes that each may bring in all. */
  readonly #answered = new WeakMap<Socket, number>();

  constructor(names: Names, clock: Clock) {
    this.#names = names;
    this.#clock = clock;
  }

  /** Called by Node for the first bytes that are wrong, and again for whatever follows them. */
  answer(error: Error & { readonly code?: string }, socket: Socket): void {
    const mostBytes = this.#answered.get(socket);
    if (mostBytes !== undefined && error.code !== "ECONNRESET") {
      if (socket.bytesRead > mostBytes) socket.destroy();
      return;
    }
    if (error.code === "ECONNRESET" || socket.destroyed || !socket.writable) {
      socket.destroy();
      return;
    }
    this.#answered.set(socket, socket.bytesRead + limits.lingerBytes);
    const timer = this.#clock.after(limits.lingerMs, () => socket.destroy());
    socket.once("close", () => timer.cancel());
    socket.end(this.#textFor(codeFor(error.code)));
  }

  #textFor(told: S3Error): string {
    const requestId = this.#names.requestId();
    const { hostId } = this.#names;
    const xml = errorXml({ path: "", requestId, hostId }, told);
    return `HTTP/1.1 ${told.status} Bad Request\r\nContent-Type: application/xml\r\nContent-Length: ${Buffer.byteLength(xml)}\r\nx-amz-request-id: ${requestId}\r\nx-amz-id-2: ${hostId}\r\nConnection: close\r\n\r\n${xml}`;
  }
}

function codeFor(code: string | undefined): S3Error {
  if (code === "HPE_HEADER_OVERFLOW") return new S3Error("RequestHeaderSectionTooLarge");
  return new S3Error(code === "ERR_HTTP_REQUEST_TIMEOUT" ? "RequestTimeout" : "BadRequest");
}
