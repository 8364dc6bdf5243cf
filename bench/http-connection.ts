/**
 * One keep-alive HTTP/1.1 connection on a raw socket, as lean as it can be: one request at a time,
 * answers with a content-length. The body of an answer is counted, not kept (but for errors).
 */
import { Socket } from "node:net";

const RECEIVE_BYTES = 256 * 1024;
/** Up to here head and body leave in one buffer. */
const JOIN_BYTES = 64 * 1024;
const HEAD_BYTES_MAX = 64 * 1024;

export interface HttpAnswer {
  readonly status: number;
  readonly bodyBytes: number;
  /** Begin of the body of an error. */
  readonly text: string;
}

interface Waiting {
  readonly resolve: (answer: HttpAnswer) => void;
  readonly reject: (error: Error) => void;
}

export class HttpConnection implements Disposable {
  readonly #socket: Socket;
  readonly #joined = Buffer.allocUnsafeSlow(JOIN_BYTES);
  #waiting: Waiting | undefined;
  #head = "";
  #status = 0;
  #text = "";
  #bodyBytes = 0;
  /** Bytes of the body still to come; -1 while the head comes. */
  #leftBytes = -1;

  private constructor() {
    const buffer = Buffer.allocUnsafeSlow(RECEIVE_BYTES);
    this.#socket = new Socket({
      noDelay: true,
      onread: {
        buffer,
        callback: (length) => {
          this.#receive(buffer.subarray(0, length));
          return true;
        },
      },
    });
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("close", () => this.#fail(new Error("the server closed the connection")));
  }

  static async open(host: string, port: number): Promise<HttpConnection> {
    const connection = new HttpConnection();
    await new Promise<void>((resolve, reject) => {
      connection.#socket.once("error", reject);
      connection.#socket.connect(port, host, resolve);
    });
    return connection;
  }

  send(head: Buffer, body: Buffer): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      if (head.length + body.length <= JOIN_BYTES) {
        // free again: the previous answer came, so the previous request is out
        head.copy(this.#joined);
        body.copy(this.#joined, head.length);
        this.#socket.write(this.#joined.subarray(0, head.length + body.length));
        return;
      }
      this.#socket.cork();
      this.#socket.write(head);
      this.#socket.write(body);
      this.#socket.uncork();
    });
  }

  [Symbol.dispose](): void {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    let rest = chunk;
    if (this.#leftBytes < 0) {
      const end = this.#readHead(chunk);
      if (end < 0) return;
      rest = chunk.subarray(end);
    }
    if (this.#status >= 300) this.#text += rest.toString("latin1", 0, 500);
    this.#leftBytes -= rest.length;
    if (this.#leftBytes > 0) return;
    if (this.#leftBytes < 0) this.#fail(new Error("more bytes than announced"));
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#leftBytes = -1;
    waiting?.resolve({ status: this.#status, bodyBytes: this.#bodyBytes, text: this.#text });
  }

  /** Position behind the head in `chunk`, or -1 when it is not whole. */
  #readHead(chunk: Buffer): number {
    const before = this.#head.length;
    this.#head += chunk.toString("latin1", 0, HEAD_BYTES_MAX);
    const end = this.#head.indexOf("\r\n\r\n");
    if (end < 0) {
      if (this.#head.length > HEAD_BYTES_MAX) this.#fail(new Error("a head without an end"));
      return -1;
    }
    const head = this.#head.slice(0, end);
    this.#head = "";
    this.#text = "";
    this.#status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined && this.#status !== 204)
      this.#fail(new Error("an answer without content-length"));
    this.#bodyBytes = Number(length ?? 0);
    this.#leftBytes = this.#bodyBytes;
    return end + 4 - before;
  }

  #fail(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#socket.destroy();
    waiting?.reject(error);
  }
}
