/**
 * One client of a tracker or storage port: its requests one after the other. A body is read as it is
 * wanted, so that a client is as fast as what becomes of its bytes; answers wait for the client. Both
 * end when nothing moves for too long.
 */
import type { Socket } from "node:net";
import { type Clock, endsWithin } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { answerHead, HEADER_BYTES, type RequestHead, readHead } from "./frame.ts";

const closed = () => new QuarryError("Closed", "the client went away");

export class Connection {
  readonly socket: Socket;
  readonly #pieces: AsyncIterator<Buffer>;
  #buffer: Buffer = Buffer.alloc(0);
  /** Bytes of the request's body that were not read yet. */
  #unread = 0;

  readonly #clock: Clock;

  constructor(socket: Socket, clock: Clock) {
    this.socket = socket;
    this.#clock = clock;
    this.#pieces = socket.iterator({ destroyOnReturn: false });
    socket.on("error", () => undefined); // told to whoever reads or writes
  }

  /** The next request, or undefined when the client is done. What is left of the last is read away. */
  async request(): Promise<RequestHead | undefined> {
    if (this.#buffer.length === 0) {
      const first = await this.#within(limits.fastdfsIdleMs, this.#pieces.next());
      if (first.done === true) return undefined;
      this.#buffer = first.value;
    }
    const head = readHead(await this.#exactly(HEADER_BYTES));
    this.#unread = head.lengthBytes;
    return head;
  }

  get unread(): number {
    return this.#unread;
  }

  /** So many bytes of the body, whole. */
  async read(lengthBytes: number): Promise<Buffer> {
    if (lengthBytes > this.#unread)
      throw new QuarryError("InvalidArgument", "the request is too short");
    if (lengthBytes > limits.fastdfsFrameBytes)
      throw new QuarryError("TooLarge", "the request is too long");
    this.#unread -= lengthBytes;
    return await this.#exactly(lengthBytes);
  }

  /** All that is left of the body, in pieces. */
  async *rest(): AsyncGenerator<Buffer, void> {
    while (this.#unread > 0) {
      if (this.#buffer.length === 0) await this.#more();
      const piece = this.#buffer.subarray(0, this.#unread);
      this.#buffer = this.#buffer.subarray(piece.length);
      this.#unread -= piece.length;
      yield piece;
    }
  }

  /** Reads away what a refused request still brings. False: it is too much, the connection must go. */
  async skip(): Promise<boolean> {
    if (this.#unread > limits.lingerBytes) return false;
    const timer = this.#clock.after(limits.lingerMs, () => this.socket.destroy(closed()));
    try {
      for await (const _ of this.rest());
      return true;
    } finally {
      timer.cancel();
    }
  }

  async answer(body: Uint8Array = Buffer.alloc(0), status = 0): Promise<void> {
    await this.send(answerHead(body.length, status));
    if (body.length > 0) await this.send(body);
  }

  /** Resolves when there is room for more. */
  async send(bytes: Uint8Array): Promise<void> {
    const { socket } = this;
    if (socket.destroyed || socket.writableEnded) throw closed();
    if (socket.write(bytes)) return;
    const room = new Promise<void>((resolve, reject) => {
      const done = () => {
        socket.off("drain", done).off("close", done);
        if (socket.destroyed) reject(closed());
        else resolve();
      };
      socket.on("drain", done).on("close", done);
    });
    await this.#within(limits.bodyIdleMs, room);
  }

  async #exactly(lengthBytes: number): Promise<Buffer> {
    while (this.#buffer.length < lengthBytes) await this.#more();
    const bytes = this.#buffer.subarray(0, lengthBytes);
    this.#buffer = this.#buffer.subarray(lengthBytes);
    return bytes;
  }

  async #more(): Promise<void> {
    const next = await this.#within(limits.bodyIdleMs, this.#pieces.next());
    if (next.done === true) throw closed();
    this.#buffer =
      this.#buffer.length === 0 ? next.value : Buffer.concat([this.#buffer, next.value]);
  }

  /** What the client does in that time; otherwise it is given up. */
  async #within<T>(ms: number, move: Promise<T>): Promise<T> {
    if (!(await endsWithin(this.#clock, move, ms))) this.socket.destroy(closed());
    return await move;
  }
}
