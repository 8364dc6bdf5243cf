/** Carries messages to the other members of the group, and loses them rather than wait for long. */
import type { Clock } from "../../base/clock.ts";
import { hasCode } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Random } from "../../base/random.ts";
import type { Message } from "../../raft/message.ts";
import type { Address } from "../../rpc/address.ts";
import { RpcClient } from "../../rpc/client.ts";
import { connect } from "../../rpc/connect.ts";
import type { GroupService } from "../../rpc/group-service.ts";
import { groupTable } from "../../rpc/tables.ts";
import type { TlsIdentity } from "../../rpc/tls.ts";
import { SendQueue } from "./send-queue.ts";

export interface TransportOptions {
  /** Where the others are. Messages to anybody else are lost. */
  readonly addresses: ReadonlyMap<NodeId, Address>;
  readonly secret: Uint8Array;
  readonly tls?: TlsIdentity;
  readonly clock: Clock;
  readonly random: Random;
  /** What was under way to this member may be lost. */
  readonly onUnreachable: (node: NodeId) => void;
}

export class Transport implements AsyncDisposable {
  readonly #peers = new Map<NodeId, SendQueue>();
  readonly #lines: Line[] = [];

  constructor(options: TransportOptions) {
    for (const [node, address] of options.addresses) {
      const line = new Line(address, options);
      const onLost = () => options.onUnreachable(node);
      this.#lines.push(line);
      this.#peers.set(node, new SendQueue({ deliver: (batch) => line.deliver(batch), onLost }));
    }
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) this.#peers.get(message.to)?.add(message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const queue of this.#peers.values()) queue.close();
    for (const line of this.#lines) line.close();
  }
}

/** A connection to one member, made anew when it says nothing any more. */
class Line {
  readonly #open: () => { rpc: RpcClient; service: GroupService };
  #now: { rpc: RpcClient; service: GroupService };
  #isClosed = false;

  constructor(address: Address, { secret, tls, clock, random }: TransportOptions) {
    this.#open = () => {
      const rpc = new RpcClient({ address, secret, ...(tls && { tls }), clock, random });
      const service = connect(groupTable, rpc, { deadlineMs: limits.groupDeliverMs });
      return { rpc, service };
    };
    this.#now = this.#open();
  }

  async deliver(batch: Buffer): Promise<void> {
    const { rpc, service } = this.#now;
    try {
      await service.deliver(batch);
    } catch (error) {
      // A link that was cut and healed would else stay silent until the system tries again.
      if (hasCode(error, "Timeout") && this.#now.rpc === rpc && !this.#isClosed) {
        this.#now = this.#open();
        rpc.close();
      }
      throw error;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#now.rpc.close();
  }
}
