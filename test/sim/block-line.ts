/** The way to the dataservers over the simulated network, as one peer has it. */
import { payloadPool } from "../../base/buffer-pool.ts";
import { limits } from "../../base/limits.ts";
import type { DeviceLine } from "../../client/devices.ts";
import type { Peer as Source } from "../../dataserver/rebuild/sources.ts";
import type { BlockLine } from "../../nameserver/dataservers.ts";
import { type Address, parseAddress } from "../../rpc/address.ts";
import type { BlockService } from "../../rpc/block-service.ts";
import { methodsOf } from "../../rpc/service-table.ts";
import { blockTable } from "../../rpc/tables.ts";
import { type Asked, call, type Peer, type Ways } from "./calls.ts";
import type { OrderJudge } from "./order-judge.ts";

export interface BlockWays extends Ways {
  /** A nameserver orders something. */
  readonly orders: OrderJudge;
  /** Who listens there, or would. */
  readonly dataserverAt: (address: Address) => Asked<BlockService>;
}

type Method = (...args: unknown[]) => Promise<unknown>;

/** Everything that one dataserver does. */
function blocksAt(
  ways: BlockWays,
  peer: Peer,
  address: string,
  terms: { readonly deadlineMs: number; readonly once: boolean },
): BlockService {
  const to = ways.dataserverAt(parseAddress(address));
  const ask = (name: string, args: readonly unknown[]) => {
    // The sender's memory is used again when it has given up.
    const sent = args.map((one) => (one instanceof Uint8Array ? Buffer.from(one) : one));
    return call(ways, peer, to, terms, async (service) => {
      const method = (service as unknown as Record<string, Method>)[name];
      const followed = ways.orders.arrives(name, sent[0]);
      const answer = await method?.apply(service, sent);
      followed();
      return carried(answer);
    });
  };
  const methods = methodsOf(blockTable).map(
    ({ name }) => [name, (...args: unknown[]) => ask(name, args)] as const,
  );
  return Object.fromEntries(methods) as unknown as BlockService;
}

/** Raw bytes of an answer are others' when they arrive. */
function carried(answer: unknown): unknown {
  if (typeof answer !== "object" || answer === null || !("data" in answer)) return answer;
  const { data } = answer;
  if (!(data instanceof Uint8Array)) return answer;
  const copy = Buffer.from(data);
  payloadPool.give(data);
  return { ...answer, data: copy };
}

/** Of a nameserver: what it orders may come twice. */
export function orderLine(ways: BlockWays, peer: Peer, address: string): BlockLine {
  const line = (deadlineMs: number) => {
    const blocks = blocksAt(ways, peer, address, { deadlineMs, once: false });
    return ways.orders.judging(peer, blocks);
  };
  return {
    quick: line(limits.blockOrderMs),
    patient: line(limits.blockWorkMs),
    close: () => undefined,
  };
}

/** Of a client. */
export function deviceLine(ways: BlockWays, peer: Peer, address: string): DeviceLine {
  const line = (deadlineMs: number) => blocksAt(ways, peer, address, { deadlineMs, once: true });
  return {
    blocks: line(limits.blockCallMs),
    reads: line(limits.blockReadMs),
    close: () => undefined,
  };
}

/** Of another dataserver. */
export function sourceLine(ways: BlockWays, peer: Peer, address: string): Source {
  return blocksAt(ways, peer, address, { deadlineMs: limits.blockOrderMs, once: true });
}

/** What a user of bare needles asks of members himself. */
export function bareLine(ways: BlockWays, peer: Peer, address: string): BlockService {
  return blocksAt(ways, peer, address, { deadlineMs: limits.blockCallMs, once: true });
}
