/**
 * A client of one server: spreads calls over its connections, connects when there is something to
 * say, and waits between attempts longer and longer while the server is away.
 */
import type { Clock } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import { type Address, checkAddress } from "./address.ts";
import type { Call, CallOptions } from "./call.ts";
import { ClientConnection } from "./client-connection.ts";
import { encodeHeader } from "./codec.ts";
import type { Method } from "./service-table.ts";
import type { TlsIdentity } from "./tls.ts";

const FIRST_BACKOFF_MS = 20;

export interface RpcClientOptions {
  readonly address: Address;
  /** What all peers of a cluster know; 32 random bytes. */
  readonly secret: Uint8Array;
  /** Certificates for TLS below; the server must use TLS too. */
  readonly tls?: TlsIdentity;
  readonly clock: Clock;
  readonly random: Random;
  /** Default 1. */
  readonly connections?: number;
  /** Default `limits.rpcDeadlineMs`. */
  readonly deadlineMs?: number;
  /**
   * A server that is awaited and silent is asked for a sign this often, and given up after
   * `limits.rpcPings` without one; a handshake may take as long as that. Default `limits.rpcPingMs`,
   * and `limits.rpcHandshakeMs` for the handshake.
   */
  readonly pingMs?: number;
}

/** A place for one connection. */
interface Lane {
  connection: ClientConnection | undefined;
  /** Attempts that failed since the last one that succeeded. */
  failures: number;
  retryAtMs: number;
}

export class RpcClient implements AsyncDisposable {
  readonly #options: RpcClientOptions;
  readonly #lanes: Lane[];
  #closed = false;

  constructor(options: RpcClientOptions) {
    checkAddress(options.address);
    this.#options = options;
    this.#lanes = Array.from({ length: options.connections ?? 1 }, () => ({
      connection: undefined,
      failures: 0,
      retryAtMs: 0,
    }));
  }

  /**
   * Calls a method. Rejects with the server's QuarryError, or with an `InterruptedCall` that says
   * whether the call may have been executed. `payload` must not change before the call ends.
   */
  call(
    method: Method,
    args: readonly unknown[],
    payload: Uint8Array | undefined,
    options: CallOptions = {},
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new QuarryError("Closed", "this client is closed");
      const { signal } = options;
      if (signal?.aborted === true) throw new QuarryError("Cancelled", "the call was cancelled");
      if (payload !== undefined && payload.length > limits.rpcPayloadBytes)
        throw new QuarryError("TooLarge", `${payload.length} bytes are too many for one message`);
      const wantedMs = options.deadlineMs ?? this.#options.deadlineMs ?? limits.rpcDeadlineMs;
      const deadlineMs = Math.min(Math.max(1, Math.ceil(wantedMs)), limits.rpcLongestMs);
      const connection = this.#leastBusy();
      const call: Call = {
        method,
        header: encodeHeader(args),
        payload,
        deadlineMs,
        deadlineAtMs: this.#options.clock.monotonicMs() + deadlineMs,
        resolve,
        reject,
        forget: undefined,
        sent: false,
        heldBytes: 0,
        waiter: undefined,
        answer: undefined,
        received: undefined,
        receivedBytes: 0,
      };
      if (signal !== undefined) {
        const abort = () => connection.abort(call);
        signal.addEventListener("abort", abort);
        call.forget = () => signal.removeEventListener("abort", abort);
      }
      connection.submit(call);
    });
  }

  /** A call waits for its answer. */
  get busy(): boolean {
    return this.#lanes.some((lane) => pendingOf(lane) > 0);
  }

  /** Ends all connections; pending calls fail. */
  close(): void {
    this.#closed = true;
    for (const lane of this.#lanes) lane.connection?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #leastBusy(): ClientConnection {
    let best: Lane | undefined;
    for (const lane of this.#lanes)
      if (best === undefined || pendingOf(lane) < pendingOf(best)) best = lane;
    if (best === undefined) throw new QuarryError("InvalidArgument", "connections must be above 0");
    best.connection ??= this.#open(best);
    return best.connection;
  }

  #open(lane: Lane): ClientConnection {
    const { address, secret, tls, clock, random, pingMs } = this.#options;
    let wasReady = false;
    const connection = new ClientConnection({
      address,
      secret,
      clock,
      random,
      ...(tls !== undefined && { tls }),
      ...(pingMs !== undefined && { pingMs }),
      delayMs: lane.failures === 0 ? 0 : Math.max(0, lane.retryAtMs - clock.monotonicMs()),
      onReady: () => {
        wasReady = true;
        lane.failures = 0;
      },
      onLost: () => {
        lane.connection = undefined;
        if (!wasReady) this.#backOff(lane);
      },
    });
    return connection;
  }

  #backOff(lane: Lane): void {
    const { clock, random } = this.#options;
    const fullMs = Math.min(limits.rpcBackoffMs, FIRST_BACKOFF_MS * 2 ** lane.failures);
    lane.failures = Math.min(lane.failures + 1, 16);
    lane.retryAtMs = clock.monotonicMs() + fullMs * (0.5 + random.u32() / 2 ** 33);
  }
}

function pendingOf(lane: Lane): number {
  return lane.connection?.pendingCalls ?? 0;
}
