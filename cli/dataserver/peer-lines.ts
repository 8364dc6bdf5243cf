/** Connections of a dataserver to others, opened when they are asked for the first time. */
import type { Peer } from "../../dataserver/rebuild/sources.ts";
import { parseAddress } from "../../rpc/address.ts";
import { RpcClient } from "../../rpc/client.ts";
import { connect } from "../../rpc/connect.ts";
import { blockTable } from "../../rpc/tables.ts";
import type { Trust } from "../peers.ts";

/** More than are in use at a time; the longest known goes first. */
const KEPT = 64;

export class PeerLines implements Disposable {
  readonly #trust: Trust;
  readonly #lines = new Map<string, { readonly rpc: RpcClient; readonly peer: Peer }>();

  constructor(trust: Trust) {
    this.#trust = trust;
  }

  /** The dataserver at host:port. */
  to(address: string): Peer {
    const known = this.#lines.get(address);
    if (known !== undefined) return known.peer;
    const rpc = new RpcClient({ ...this.#trust, address: parseAddress(address) });
    const line = { rpc, peer: connect(blockTable, rpc) };
    this.#lines.set(address, line);
    const [oldest] = this.#lines.keys();
    if (this.#lines.size > KEPT && oldest !== undefined) {
      this.#lines.get(oldest)?.rpc.close();
      this.#lines.delete(oldest);
    }
    return line.peer;
  }

  [Symbol.dispose](): void {
    for (const { rpc } of this.#lines.values()) rpc.close();
    this.#lines.clear();
  }
}
