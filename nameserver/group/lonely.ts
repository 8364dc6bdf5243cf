/**
 * A member that hears no leader for a while asks the others whether it belongs to them at all: who was
 * removed while it was away is told by nobody else.
 */
import { type Clock, sleep } from "../../base/clock.ts";
import { limits } from "../../base/limits.ts";
import type { Random } from "../../base/random.ts";
import type { Address } from "../../rpc/address.ts";
import { RpcClient } from "../../rpc/client.ts";
import { connect } from "../../rpc/connect.ts";
import type { MemberStatus } from "../../rpc/group-service.ts";
import { groupTable } from "../../rpc/tables.ts";
import type { TlsIdentity } from "../../rpc/tls.ts";
import type { Replica } from "./replica.ts";
import { type Roster, removed } from "./roster.ts";

const LOOK_MS = 500;
const ANSWER_MS = 1_000;

export interface LonelyOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly secret: Uint8Array;
  readonly tls?: TlsIdentity | undefined;
  readonly group: Replica;
  readonly roster: Roster;
}

export class Lonely implements AsyncDisposable {
  readonly #options: LonelyOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: LonelyOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, group, roster } = this.#options;
    const { signal } = this.#stop;
    let heardMs = clock.monotonicMs();
    while (!signal.aborted) {
      await sleep(clock, LOOK_MS, signal);
      const nowMs = clock.monotonicMs();
      heardMs = group.isLeader ? nowMs : Math.max(heardMs, group.status.heardMs);
      if (signal.aborted || nowMs - heardMs < limits.groupLonelyMs) continue;
      heardMs = nowMs;
      for (const [node, address] of roster.addresses)
        if (node !== roster.node && !signal.aborted && (await this.#isRemovedBy(address)))
          group.retire(removed(roster.node));
    }
  }

  async #isRemovedBy(address: Address): Promise<boolean> {
    const { clock, random, secret, tls, roster } = this.#options;
    await using rpc = new RpcClient({
      ...{ address, secret, clock, random, deadlineMs: ANSWER_MS },
      ...(tls && { tls }),
    });
    // Whoever does not answer says nothing, and is asked again.
    const status = await connect(groupTable, rpc)
      .status()
      .catch(() => undefined);
    return status !== undefined && wasRemoved(status, roster.node);
  }
}

/** Numbers never come back: who was a member once and is none now was removed, whoever says so. */
function wasRemoved(
  { nextNode, members, voters, learners }: MemberStatus,
  node: Roster["node"],
): boolean {
  const isIn = voters.includes(node) || learners.includes(node);
  return node < nextNode && !isIn && !members.some((member) => member.node === node);
}
