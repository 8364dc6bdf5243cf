/** Carries messages to the other members of the group, and loses them rather than wait for long. */
import { payloadPool } from "../../base/buffer-pool.ts";
import type { Clock } from "../../base/clock.ts";
import { hasCode, QuarryError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Random } from "../../base/random.ts";
import type { Message } from "../../raft/message.ts";
import { type Address, formatAddress } from "../../rpc/address.ts";
import { RpcClient } from "../../rpc/client.ts";
import { connect } from "../../rpc/connect.ts";
import type { GroupService, MemberStatus } from "../../rpc/group-service.ts";
import { groupTable } from "../../rpc/tables.ts";
import type { TlsIdentity } from "../../rpc/tls.ts";
import { HeldAnswers } from "./held-answers.ts";
import { decodeMessages } from "./message-codec.ts";
import { SendQueue } from "./send-queue.ts";

export interface TransportOptions {
  /** Where the others are, at first. Messages to anybody else are lost. */
  readonly addresses: ReadonlyMap<NodeId, Address>;
  readonly secret: Uint8Array;
  readonly tls?: TlsIdentity;
  readonly clock: Clock;
  readonly random: Random;
  /** Messages that came with an answer. */
  readonly onMessages: (messages: readonly Message[]) => void;
  /** What was under way to this member may be lost. */
  readonly onUnreachable: (node: NodeId) => void;
}

export class Transport implements AsyncDisposable {
  readonly #options: TransportOptions;
  readonly #peers = new Map<NodeId, Peer>();
  /** Of what others have asked; what there is to say to them goes along. */
  readonly answers: HeldAnswers;
  #isClosed = false;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.answers = new HeldAnswers(options.clock);
    this.follow(options.addresses);
  }

  /** The others are these from now on: who is new or has moved gets a line, who is gone loses it. */
  follow(addresses: ReadonlyMap<NodeId, Address>): void {
    if (this.#isClosed) return;
    for (const [node, { place }] of this.#peers) {
      const address = addresses.get(node);
      if (address === undefined || formatAddress(address) !== place) this.#drop(node);
    }
    for (const [node, address] of addresses)
      if (!this.#peers.has(node)) this.#peers.set(node, this.#peer(node, address));
  }

  send(messages: readonly Message[]): void {
    for (const message of messages)
      if (!this.answers.take(message)) this.#peers.get(message.to)?.queue.add(message);
  }

  /** What a member says of itself. @throws QuarryError when it is away, or nobody. */
  async statusOf(node: NodeId): Promise<MemberStatus> {
    const peer = this.#peers.get(node);
    if (peer === undefined)
      throw new QuarryError("Unavailable", `it is not known where nameserver ${node} is`);
    return await peer.line.status();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.answers[Symbol.dispose]();
    for (const node of [...this.#peers.keys()]) this.#drop(node);
  }

  #peer(node: NodeId, address: Address): Peer {
    const line = new Line(node, address, this.#options);
    const queue = new SendQueue({
      deliver: (batch) => line.deliver(batch),
      onLost: () => this.#options.onUnreachable(node),
    });
    return { place: formatAddress(address), line, queue };
  }

  #drop(node: NodeId): void {
    const peer = this.#peers.get(node);
    this.#peers.delete(node);
    peer?.queue.close();
    peer?.line.close();
  }
}

interface Peer {
  /** The address as text. */
  readonly place: string;
  readonly line: Line;
  readonly queue: SendQueue;
}

/** A connection to one member, made anew when it says nothing any more. */
class Line {
  readonly #open: () => { rpc: RpcClient; service: GroupService };
  #now: { rpc: RpcClient; service: GroupService };
  readonly #take: (batch: Uint8Array) => void;
  /** It is of an earlier version, whose answers bring nothing. */
  #isEarlier = false;
  #isClosed = false;

  constructor(node: NodeId, address: Address, options: TransportOptions) {
    const { secret, tls, clock, random, onMessages } = options;
    this.#take = (batch) => onMessages(decodeMessages(batch).filter(({ from }) => from === node));
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
      if (this.#isEarlier) return await service.deliver(batch);
      const answer = await service.exchange(batch);
      if (answer.kind === "nothing") return;
      this.#take(answer.batch);
      payloadPool.give(answer.batch);
    } catch (error) {
      if (hasCode(error, "NotImplemented")) {
        this.#isEarlier = true;
        return await this.deliver(batch);
      }
      this.#isEarlier = false; // whoever comes back may be of another version
      // A link that was cut and healed would else stay silent until the system tries again.
      if (hasCode(error, "Timeout") && this.#now.rpc === rpc && !this.#isClosed) {
        this.#now = this.#open();
        rpc.close();
      }
      throw error;
    }
  }

  async status(): Promise<MemberStatus> {
    return await this.#now.service.status();
  }

  close(): void {
    this.#isClosed = true;
    this.#now.rpc.close();
  }
}
