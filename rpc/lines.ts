/**
 * One line to each server: opened when it is asked for, opened anew when the server has another address,
 * closed when the server is gone; where there may be only so many, the longest unused goes, and none that
 * somebody waits for.
 */
import type { Clock } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import { parseAddress } from "./address.ts";
import type { BlockService } from "./block-service.ts";
import { RpcClient } from "./client.ts";
import { connect } from "./connect.ts";
import { blockTable } from "./tables.ts";
import type { TlsIdentity } from "./tls.ts";

export interface Line {
  /** Somebody waits for an answer. Absent: nobody ever does for long. */
  readonly busy?: () => boolean;
  close(): void;
}

interface Kept<L> {
  readonly address: string;
  readonly line: L;
}

export interface LinesOptions<L extends Line> {
  /** To the server at host:port; costs nothing before it is used. */
  readonly open: (address: string) => L;
  /** More are kept only while somebody waits on each. Default: as many as there are servers. */
  readonly most?: number;
}

/** By whatever names a server: its id, or its address. */
export class Lines<Server, L extends Line> implements Disposable {
  readonly #options: LinesOptions<L>;
  /** In the order of last use. */
  readonly #kept = new Map<Server, Kept<L>>();
  #closed = false;

  constructor(options: LinesOptions<L>) {
    this.#options = options;
  }

  get size(): number {
    return this.#kept.size;
  }

  /**
   * For one call: a line that is kept for later may be closed by then.
   * @throws QuarryError `Closed`.
   */
  to(server: Server, address: string): L {
    if (this.#closed) throw new QuarryError("Closed", "this process ends");
    let kept = this.#kept.get(server);
    this.#kept.delete(server);
    if (kept !== undefined && kept.address !== address) {
      kept.line.close();
      kept = undefined;
    }
    kept ??= { address, line: this.#options.open(address) };
    this.#makeRoom();
    this.#kept.set(server, kept);
    return kept.line;
  }

  /** Closes lines to servers that are not here, or elsewhere now. */
  retain(addresses: ReadonlyMap<Server, string>): void {
    for (const [server, { address, line }] of this.#kept)
      if (addresses.get(server) !== address) {
        this.#kept.delete(server);
        line.close();
      }
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const { line } of this.#kept.values()) line.close();
    this.#kept.clear();
  }

  #makeRoom(): void {
    const { most = Number.POSITIVE_INFINITY } = this.#options;
    for (const [server, { line }] of this.#kept) {
      if (this.#kept.size < most) return; // room for the one to come
      if (line.busy?.() === true) continue;
      this.#kept.delete(server);
      line.close();
    }
  }
}

export interface LineTrust {
  readonly secret: Uint8Array;
  readonly tls?: TlsIdentity;
  readonly clock: Clock;
  readonly random: Random;
}

/** A line to one dataserver, bound once for each patience (ms). One that hangs is given up soon. */
export function openBlockLine<Name extends string>(
  { secret, tls, clock, random }: LineTrust,
  address: string,
  patience: Readonly<Record<Name, number>>,
): Line & Readonly<Record<Name, BlockService>> {
  const rpc = new RpcClient({
    ...{ address: parseAddress(address), secret, clock, random, ...(tls && { tls }) },
    pingMs: limits.blockPingMs,
  });
  const bound = Object.entries<number>(patience).map(
    ([name, deadlineMs]) => [name, connect(blockTable, rpc, { deadlineMs })] as const,
  );
  const services = Object.fromEntries(bound) as Record<Name, BlockService>;
  return { ...services, busy: () => rpc.busy, close: () => rpc.close() };
}
