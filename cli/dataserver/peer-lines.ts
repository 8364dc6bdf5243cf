/** The ways of a dataserver to others, opened when they are asked for the first time. */
import { limits } from "../../base/limits.ts";
import type { Peer } from "../../dataserver/rebuild/sources.ts";
import { Lines, openBlockLine } from "../../rpc/lines.ts";
import type { Trust } from "../peers.ts";

const PATIENCE = { blocks: limits.rpcDeadlineMs };

export class PeerLines implements Disposable {
  readonly #lines: Lines<string, ReturnType<typeof openBlockLine<"blocks">>>;

  constructor(trust: Trust) {
    const open = (address: string) => openBlockLine(trust, address, PATIENCE);
    this.#lines = new Lines({ open, most: limits.peerLines });
  }

  /** The dataserver at host:port. Every call takes the line that is there then. */
  to(address: string): Peer {
    const blocks = () => this.#lines.to(address, address).blocks;
    return {
      inventory: async (...args) => await blocks().inventory(...args),
      fetch: async (...args) => await blocks().fetch(...args),
      records: async (...args) => await blocks().records(...args),
      readStripe: async (...args) => await blocks().readStripe(...args),
      stage: async (...args) => await blocks().stage(...args),
      finishStage: async (...args) => await blocks().finishStage(...args),
    };
  }

  [Symbol.dispose](): void {
    this.#lines[Symbol.dispose]();
  }
}
