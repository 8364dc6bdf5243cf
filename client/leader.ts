/**
 * The nameservers of a group as one: finds the leader, follows it, and repeats what may be repeated.
 * Reads always may. A change only when it certainly did not happen; where that cannot be told, the
 * caller gets `OutcomeUnknown`.
 */
import { type Clock, sleep } from "../base/clock.ts";
import { assert, type ErrorCode, hasCode, QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import { type Address, formatAddress, parseAddress } from "../rpc/address.ts";
import { InterruptedCall } from "../rpc/call.ts";
import { RpcClient } from "../rpc/client.ts";
import { connect } from "../rpc/connect.ts";
import type { NameService } from "../rpc/name-service.ts";
import { NotLeader } from "../rpc/not-leader.ts";
import { methodsOf } from "../rpc/service-table.ts";
import { nameTable } from "../rpc/tables.ts";

export interface LeaderOptions {
  /** Some or all of the nameservers; a leader that is not among them is found through them. */
  readonly addresses: readonly Address[];
  readonly secret: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  /** How long a call looks for a leader before it fails. Default `limits.leaderPatienceMs`. */
  readonly patienceMs?: number;
  /** How to talk to one of them; default: over sockets. */
  readonly open?: (address: Address) => Line;
}

const PAUSE_MS = 25;
/** Whoever could not be reached is not believed to lead for so long. */
const SHUN_MS = 250;
/** Nor asked in its turn while there are others. */
const AVOID_MS = 1_000;

/** Leased ids may be lost, and telling about a block twice is as good as once. */
const CHANGES: ReadonlySet<string> = new Set<keyof NameService>(["execute"]);

/** Ends of a call after which another attempt would go no better. */
const FINAL: ReadonlySet<ErrorCode> = new Set(["Busy", "Protocol", "Cancelled"]);

type Methods = Record<string, (...args: unknown[]) => Promise<unknown>>;

/** The way to one nameserver. */
export interface Line {
  readonly methods: Methods;
  close(): void;
}

interface Member {
  readonly address: Address;
  line: Line;
  failedMs: number;
}

export class LeaderNames implements AsyncDisposable {
  readonly #options: LeaderOptions;
  /** By address. */
  readonly #members = new Map<string, Member>();
  #current: Member;
  #isClosed = false;
  readonly names: NameService;

  constructor(options: LeaderOptions) {
    this.#options = options;
    for (const address of options.addresses) this.#member(address);
    const [first] = this.#members.values();
    if (first === undefined)
      throw new QuarryError("InvalidArgument", "the address of a nameserver is needed");
    this.#current = first;
    const names = methodsOf(nameTable).map(
      ({ name }) => [name, (...args: unknown[]) => this.#call(name, args)] as const,
    );
    this.names = Object.fromEntries(names) as unknown as NameService;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const { line } of this.#members.values()) line.close();
  }

  async #call(name: string, args: readonly unknown[]): Promise<unknown> {
    const { clock, patienceMs } = this.#options;
    const untilMs = clock.monotonicMs() + (patienceMs ?? limits.leaderPatienceMs);
    for (;;) {
      const member = this.#current;
      const { line } = member;
      const method = line.methods[name];
      assert(method !== undefined, "every method of the table is there");
      try {
        return await method(...args);
      } catch (error) {
        const failure = judge(name, error);
        if (failure !== undefined) throw failure;
        if (this.#isClosed || clock.monotonicMs() >= untilMs) throw error;
        await this.#moveOn(member, line, error);
      }
    }
  }

  /** Chooses whom to ask next; of several calls that failed at one member the first chooses. */
  async #moveOn(member: Member, line: Line, error: unknown): Promise<void> {
    const { clock } = this.#options;
    if (error instanceof InterruptedCall && error.code !== "Timeout" && member.line === line) {
      member.failedMs = clock.monotonicMs();
      // A fresh one does not wait as long before it tries again.
      line.close();
      member.line = this.#open(member.address);
    }
    if (this.#current === member) {
      const leader = error instanceof NotLeader ? this.#hinted(error, member) : undefined;
      this.#current = leader ?? this.#after(member);
      if (leader !== undefined) return;
    }
    await sleep(clock, PAUSE_MS);
  }

  #hinted({ leader }: NotLeader, teller: Member): Member | undefined {
    if (leader === undefined) return undefined;
    const member = this.#member(parseAddress(leader.address));
    const isShunned = this.#failedAgoMs(member) < SHUN_MS;
    return member === teller || isShunned ? undefined : member;
  }

  #failedAgoMs({ failedMs }: Member): number {
    return this.#options.clock.monotonicMs() - failedMs;
  }

  #after(member: Member): Member {
    const all = [...this.#members.values()];
    const at = all.indexOf(member);
    const inTurn = [...all.slice(at + 1), ...all.slice(0, at + 1)];
    return inTurn.find((one) => this.#failedAgoMs(one) > AVOID_MS) ?? inTurn[0] ?? member;
  }

  #member(address: Address): Member {
    const name = formatAddress(address);
    const known = this.#members.get(name);
    if (known !== undefined) return known;
    const member = { address, line: this.#open(address), failedMs: Number.NEGATIVE_INFINITY };
    this.#members.set(name, member);
    return member;
  }

  #open(address: Address): Line {
    const { secret, clock, random, open } = this.#options;
    if (open !== undefined) return open(address);
    const pingMs = limits.leaderPingMs;
    const rpc = new RpcClient({ address, secret, clock, random, pingMs });
    const methods = connect(nameTable, rpc) as unknown as Methods;
    return { methods, close: () => rpc.close() };
  }
}

/** What the caller is told at once; undefined when the call may be made again. */
function judge(name: string, error: unknown): unknown {
  // A server that goes away says so before it begins.
  if (error instanceof NotLeader) return undefined;
  if (!(error instanceof InterruptedCall)) return hasCode(error, "Closed") ? undefined : error;
  if (FINAL.has(error.code)) return error;
  if (!error.mayHaveExecuted || !CHANGES.has(name)) return undefined;
  return new QuarryError(
    "OutcomeUnknown",
    `whether the change was made is not known; look before making it again (${error.message})`,
    { cause: error },
  );
}
