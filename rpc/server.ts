/** Listens on a Unix socket or a TCP port and serves who proves the secret. */
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, TLSSocket } from "node:tls";
import { type Clock, sleep } from "../base/clock.ts";
import { assert, QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import { type Address, checkAddress, formatAddress } from "./address.ts";
import { Budget } from "./budget.ts";
import { Connection } from "./connection.ts";
import { type Refusal, serverHandshake } from "./handshake.ts";
import type { ServedService } from "./serve.ts";
import { ServerConnection } from "./server-connection.ts";
import type { Report, ServedPeer, ServerState } from "./server-state.ts";
import { receiveFrom } from "./socket.ts";
import type { TlsIdentity } from "./tls.ts";

const DRAIN_STEP_MS = 10;
/** A peer that does not take its last answers by then loses them. */
const FAREWELL_MS = 1_000;

export interface RpcServerOptions {
  /** Port 0 takes a free one. A stale socket file is the caller's to remove: it holds the lock. */
  readonly address: Address;
  readonly secret: Uint8Array;
  /** Certificates for TLS below; clients must show one too. */
  readonly tls?: TlsIdentity;
  readonly clock: Clock;
  readonly random: Random;
  readonly services: readonly ServedService[];
  readonly report: Report;
  /**
   * Payload bytes that this server holds at most: half for answers, an eighth for small requests,
   * the rest for large ones. Default `limits.inFlightBytes`.
   */
  readonly inFlightBytes?: number;
}

export class RpcServer implements AsyncDisposable {
  /** Where it listens, with the real port. */
  readonly address: Address;
  readonly #server: Server;
  readonly #state: ServerState;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, state: ServerState, address: Address) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#state = state;
    this.address = address;
  }

  static async listen(options: RpcServerOptions): Promise<RpcServer> {
    checkAddress(options.address);
    const state = stateOf(options);
    const server =
      options.tls === undefined ? plain(state, options) : secured(state, options, options.tls);
    await listening(server, options.address);
    const bound = server.address();
    const address =
      typeof bound === "object" && bound !== null && "host" in options.address
        ? { host: options.address.host, port: bound.port }
        : options.address;
    return new RpcServer(server, state, address);
  }

  /** Who is connected. */
  get peers(): ReadonlySet<ServedPeer> {
    return this.#state.connections;
  }

  /** Payload bytes of requests not yet handled, and of answers not yet taken. */
  get heldBytes(): number {
    const { budget, inlineBudget, answerBudget } = this.#state;
    return budget.heldBytes + inlineBudget.heldBytes + answerBudget.heldBytes;
  }

  /** Refuses new requests, waits a while for the running ones, and ends all connections. */
  async close(): Promise<void> {
    this.#state.draining = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const { clock, connections } = this.#state;
    const untilMs = clock.monotonicMs() + limits.rpcDrainMs;
    while (clock.monotonicMs() < untilMs && [...connections].some((c) => c.unanswered > 0))
      await sleep(clock, DRAIN_STEP_MS);
    for (const connection of connections) connection.close();
    await Promise.race([closed, sleep(clock, FAREWELL_MS)]);
    for (const connection of connections) connection.abandon();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function stateOf(options: RpcServerOptions): ServerState {
  const totalBytes = options.inFlightBytes ?? limits.inFlightBytes;
  const inlineBytes = Math.floor(totalBytes / 8);
  const answerBytes = Math.floor(totalBytes / 2);
  const creditBytes = totalBytes - inlineBytes - answerBytes;
  const all = options.services.flat();
  const methods = new Map(all.map((served) => [served.method.code, served]));
  assert(methods.size === all.length, "services of one server have different ids");
  assert(
    creditBytes >= limits.rpcPayloadBytes && inlineBytes >= limits.rpcInlineBytes,
    "a server has room for one payload of each kind",
  );
  return {
    clock: options.clock,
    methods,
    inlineBudget: new Budget(inlineBytes),
    budget: new Budget(creditBytes),
    answerBudget: new Budget(answerBytes),
    connections: new Set(),
    report: options.report,
    draining: false,
  };
}

const common = { noDelay: true, keepAlive: true };

function plain(state: ServerState, options: RpcServerOptions): Server {
  return createServer({ ...common, pauseOnConnect: true }, (socket) =>
    accept(socket, state, options),
  );
}

function secured(state: ServerState, options: RpcServerOptions, tls: TlsIdentity): Server {
  // Who shows no good certificate is refused in words, in the handshake that follows.
  const asking = { requestCert: true, rejectUnauthorized: false } as const;
  const server = createTlsServer(
    { ...common, ...asking, ...tls.options, handshakeTimeout: limits.rpcHandshakeMs },
    (socket) => accept(socket, state, options),
  );
  const stop = tls.onChange(() => server.setSecureContext(tls.options));
  server.on("close", stop);
  // A peer that fails hears of it; whoever is still greeting when the server closes is sent away.
  server.on("tlsClientError", (_, socket) => socket.destroy());
  return server;
}

function refusalOf(socket: Socket, full: boolean): Refusal | undefined {
  if (socket instanceof TLSSocket && !socket.authorized)
    return { certificate: String(socket.authorizationError) };
  return full ? "full" : undefined;
}

function accept(accepted: Socket, state: ServerState, options: RpcServerOptions): void {
  // Who came just before it began to go away is to ask another, as who comes later.
  if (state.draining) {
    accepted.destroy();
    return;
  }
  const owner = new ServerConnection(state);
  const full = state.connections.size >= limits.rpcConnections;
  const handshake = serverHandshake(options.secret, options.random, refusalOf(accepted, full));
  const socket = receiveFrom(accepted, (chunk) => connection.receive(chunk));
  const connection = new Connection(socket, owner, handshake, options.clock);
  owner.attach(connection);
  state.connections.add(owner);
  connection.start();
}

function listening(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new QuarryError(
              "Locked",
              `${formatAddress(address)} is in use: stop who listens there or choose another address`,
            )
          : new QuarryError(
              "Unavailable",
              `cannot listen on ${formatAddress(address)}: ${error.message}`,
              { cause: error },
            ),
      ),
    );
    server.listen(address, () => {
      server.removeAllListeners("error");
      resolve();
    });
  });
}
