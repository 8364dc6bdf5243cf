/**
 * One keep-alive HTTP/1.1 connection on a raw socket, as lean as it can be: one request at a time,
 * received into one buffer. A connection that the store closes is opened anew with the next request.
 */
import { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { AnswerReader, type HttpAnswer } from "./answer-reader.ts";

const RECEIVE_BYTES = 256 * 1024;
/** Up to here head and body leave in one buffer. */
const JOIN_BYTES = 64 * 1024;

export class HttpConnection implements Disposable {
  readonly #url: URL;
  readonly #joined = Buffer.allocUnsafeSlow(JOIN_BYTES);
  readonly #received = Buffer.allocUnsafeSlow(RECEIVE_BYTES);
  #reader = new AnswerReader();
  #socket: Socket | undefined;
  #waiting: PromiseWithResolvers<HttpAnswer> | undefined;

  private constructor(url: URL) {
    this.#url = url;
  }

  static async open(url: string): Promise<HttpConnection> {
    const connection = new HttpConnection(new URL(url));
    connection.#socket = await connection.#connect();
    return connection;
  }

  async send(head: Buffer, body: Buffer, keepsBody: boolean): Promise<HttpAnswer> {
    const socket = this.#socket ?? (await this.#connect());
    this.#socket = socket;
    this.#reader.expect(keepsBody);
    const waiting = Promise.withResolvers<HttpAnswer>();
    this.#waiting = waiting;
    if (head.length + body.length <= JOIN_BYTES) {
      // free again: the previous answer came, so the previous request is out
      head.copy(this.#joined);
      body.copy(this.#joined, head.length);
      socket.write(this.#joined.subarray(0, head.length + body.length));
    } else {
      socket.cork();
      socket.write(head);
      socket.write(body);
      socket.uncork();
    }
    return waiting.promise;
  }

  [Symbol.dispose](): void {
    this.#waiting = undefined;
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #connect(): Promise<Socket> {
    this.#reader = new AnswerReader();
    const { protocol, hostname, port } = this.#url;
    const host = hostname.replace(/^\[|\]$/g, "");
    const opened = Promise.withResolvers<void>();
    const socket = protocol === "https:" ? this.#secure(host, port) : this.#plain();
    socket.once(protocol === "https:" ? "secureConnect" : "connect", () => opened.resolve());
    const gone = (error: Error) => {
      opened.reject(error);
      if (this.#socket === socket) this.#fail(error);
    };
    socket.on("error", gone);
    socket.on("close", () => gone(new Error("the store closed the connection")));
    if (protocol !== "https:") socket.connect(Number(port || 80), host);
    await opened.promise;
    return socket;
  }

  #plain(): Socket {
    const buffer = this.#received;
    const callback = (length: number) => {
      this.#receive(buffer.subarray(0, length));
      return true;
    };
    return new Socket({ noDelay: true, onread: { buffer, callback } });
  }

  #secure(host: string, port: string): Socket {
    const socket = connectTls({ host, port: Number(port || 443), servername: host });
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    return socket;
  }

  #receive(chunk: Buffer): void {
    try {
      const answer = this.#reader.push(chunk);
      if (answer === undefined) return;
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (answer.isLast) this[Symbol.dispose]();
      waiting?.resolve(answer);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #fail(error: Error): void {
    const waiting = this.#waiting;
    this[Symbol.dispose]();
    waiting?.reject(error);
  }
}
