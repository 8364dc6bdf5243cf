/** A port that speaks the FastDFS protocol: its connections, bounded, each with one request at a time. */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Logger } from "pino";
import type { Clock } from "../../base/clock.ts";
import { hasCode } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { Connection } from "./connection.ts";
import type { RequestHead } from "./frame.ts";
import { isRefusal, statusOf } from "./status.ts";

const QUIT = 82;
const ACTIVE_TEST = 111;

export interface Handler {
  /** Reads the body and answers. @throws what the client is told as a status. */
  handle(head: RequestHead, connection: Connection): Promise<void>;
}

export interface PortOptions {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class FastdfsPort {
  readonly #server: Server;
  readonly #handler: Handler;
  readonly #options: PortOptions;
  readonly #sockets = new Set<Socket>();
  /** Those that wait for a request. */
  readonly #idle = new Set<Socket>();
  #closing = false;

  constructor(handler: Handler, options: PortOptions) {
    this.#handler = handler;
    this.#options = options;
    this.#server = createServer({ noDelay: true }, (socket) => void this.#serve(socket));
    this.#server.maxConnections = limits.fastdfsConnections;
  }

  /** Resolves with the port. */
  async listen(): Promise<number> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host, port }, () => resolve());
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** Answers what is under way, for a while, then ends. */
  async close(): Promise<void> {
    this.#closing = true;
    const ended = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#idle) socket.destroy();
    const timer = this.#options.clock.after(limits.rpcDrainMs, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    await ended;
    timer.cancel();
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    const connection = new Connection(socket, this.#options.clock);
    try {
      while (!this.#closing && (await this.#next(connection)));
      socket.end();
    } catch (error) {
      if (!hasCode(error, "Closed") && !isSocketError(error))
        this.#options.logger.warn({ err: error }, "a FastDFS client is given up");
      socket.destroy();
    } finally {
      this.#sockets.delete(socket);
      this.#idle.delete(socket);
    }
  }

  /** Whether the connection goes on. */
  async #next(connection: Connection): Promise<boolean> {
    this.#idle.add(connection.socket);
    const head = await connection.request();
    this.#idle.delete(connection.socket);
    if (head === undefined || head.command === QUIT) return false;
    if (head.command === ACTIVE_TEST && head.lengthBytes === 0) {
      await connection.answer();
      return true;
    }
    const sent = connection.socket.bytesWritten;
    try {
      await this.#handler.handle(head, connection);
      return connection.unread === 0 || (await connection.skip());
    } catch (error) {
      // What was begun cannot be taken back: cutting it short is the only way to say that it is wrong.
      if (hasCode(error, "Closed") || connection.socket.bytesWritten > sent) throw error;
      if (!isRefusal(error))
        this.#options.logger.warn(
          { err: error, command: head.command },
          "a FastDFS request failed",
        );
      const goesOn = await connection.skip();
      await connection.answer(undefined, statusOf(error));
      return goesOn;
    }
  }
}

const isSocketError = (error: unknown) =>
  error instanceof Error && "code" in error && /^E[A-Z]+$|^ERR_STREAM/.test(String(error.code));
