/** Connections to nameservers that are watched. */
import type { Clock } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import type { Address } from "../rpc/address.ts";
import { RpcClient } from "../rpc/client.ts";
import { connect } from "../rpc/connect.ts";
import { watchTable } from "../rpc/tables.ts";
import type { TlsIdentity } from "../rpc/tls.ts";
import type { WatchService } from "../rpc/watch-service.ts";

export interface WatchLinesOptions {
  readonly addresses: readonly Address[];
  readonly secret: Uint8Array;
  readonly tls?: TlsIdentity;
  readonly clock: Clock;
  readonly random: Random;
}

export class WatchLines implements Disposable {
  readonly members: readonly WatchService[];
  readonly #clients: readonly RpcClient[];

  constructor({ addresses, ...shared }: WatchLinesOptions) {
    const pingMs = limits.leaderPingMs;
    this.#clients = addresses.map((address) => new RpcClient({ ...shared, address, pingMs }));
    const deadlineMs = limits.watchWaitMs + limits.watchGraceMs;
    this.members = this.#clients.map((client) => connect(watchTable, client, { deadlineMs }));
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients) client.close();
  }
}
