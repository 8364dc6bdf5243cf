/** A small client of the FastDFS protocol, for tests: one connection, one request at a time. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface Reply {
  readonly status: number;
  readonly body: Buffer;
}

const u64 = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
};

export const padded = (text: string, length: number) => {
  const bytes = Buffer.alloc(length);
  bytes.write(text);
  return bytes;
};

export class SmallClient implements Disposable {
  readonly socket: Socket;
  readonly #pieces: AsyncIterator<Buffer>;
  #buffer: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => undefined);
    this.#pieces = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  static async to(port: number): Promise<SmallClient> {
    const socket = connect({ host: "127.0.0.1", port });
    await once(socket, "connect");
    return new SmallClient(socket);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  static frame(command: number, body: Buffer, flags = 0, length = body.length): Buffer {
    return Buffer.concat([u64(length), Buffer.from([command, flags]), body]);
  }

  async ask(command: number, parts: readonly (Buffer | string)[] = [], flags = 0): Promise<Reply> {
    const body = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
    this.socket.write(SmallClient.frame(command, body, flags));
    return await this.reply();
  }

  async reply(): Promise<Reply> {
    const head = await this.#read(10);
    if (head.readUInt8(8) !== 100) throw new Error("that is no answer");
    return { status: head.readUInt8(9), body: await this.#read(Number(head.readBigInt64BE(0))) };
  }

  async #read(length: number): Promise<Buffer> {
    while (this.#buffer.length < length) {
      const next = await this.#pieces.next();
      if (next.done === true) throw new Error("the server closed the connection");
      this.#buffer = Buffer.concat([this.#buffer, next.value]);
    }
    const bytes = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return bytes;
  }

  /** Key of what was uploaded, or the status. */
  async upload(bytes: Buffer, extension = "", command = 11): Promise<string | number> {
    const head = [Buffer.from([0]), u64(bytes.length), padded(extension, 6)];
    return keyOf(await this.ask(command, [...head, bytes]));
  }

  async uploadSlave(master: string, prefix: string, extension: string, bytes: Buffer) {
    const head = [u64(master.length), u64(bytes.length), padded(prefix, 16), padded(extension, 6)];
    return keyOf(await this.ask(21, [...head, master, bytes]));
  }

  async append(key: string, bytes: Buffer): Promise<number> {
    return (await this.ask(24, [u64(key.length), u64(bytes.length), key, bytes])).status;
  }

  async modify(key: string, offset: number, bytes: Buffer): Promise<number> {
    const head = [u64(key.length), u64(offset), u64(bytes.length), key];
    return (await this.ask(34, [...head, bytes])).status;
  }

  async truncate(key: string, length: number): Promise<number> {
    return (await this.ask(36, [u64(key.length), u64(length), key])).status;
  }

  async download(key: string, offset = 0, length = 0): Promise<Reply> {
    return await this.ask(14, [u64(offset), u64(length), padded("group1", 16), key]);
  }

  async remove(key: string): Promise<number> {
    return (await this.ask(12, [padded("group1", 16), key])).status;
  }

  async setMetadata(key: string, flag: "O" | "M", text: string): Promise<number> {
    const head = [u64(key.length), u64(Buffer.byteLength(text)), flag, padded("group1", 16), key];
    return (await this.ask(13, [...head, text])).status;
  }

  async metadata(key: string): Promise<string | number> {
    const { status, body } = await this.ask(15, [padded("group1", 16), key]);
    return status === 0 ? body.toString() : status;
  }

  async info(key: string, flags = 0) {
    const { status, body } = await this.ask(22, [padded("group1", 16), key], flags);
    if (status !== 0) return { status };
    const number = (at: number) => Number(body.readBigInt64BE(at));
    const address = body.toString("latin1", 24).replaceAll("\0", "");
    return { status, length: number(0), seconds: number(8), crc32: number(16), address };
  }
}

function keyOf({ status, body }: Reply): string | number {
  if (status !== 0) return status;
  if (body.toString("latin1", 0, 16).replaceAll("\0", "") !== "group1") throw new Error("no group");
  return body.toString("latin1", 16);
}
