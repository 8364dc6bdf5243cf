/** The nameservers that a client knows, and whom of them it asks next. */
import { type Clock, endsWithin, sleep } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import { type Address, formatAddress, parseAddress } from "../rpc/address.ts";
import { InterruptedCall } from "../rpc/call.ts";
import { NotLeader } from "../rpc/not-leader.ts";

const PAUSE_MS = 25;
/** Of a call that waits for another to find the leader; then it looks for itself. */
const WAIT_MS = 250;
/** Whoever could not be reached is not believed to lead for so long. */
const SHUN_MS = 250;
/** Nor asked in its turn while there are others: one that stands still costs seconds each time. */
const AVOID_MS = 1_000;
/** How often the leader is asked who belongs to the group. */
const LEARN_MS = 30_000;

export type Methods = Record<string, (...args: unknown[]) => Promise<unknown>>;

/** The way to one nameserver. */
export interface Line {
  readonly methods: Methods;
  /** Where all nameservers of its group are. */
  readonly members: () => Promise<readonly Address[]>;
  close(): void;
}

export interface Member {
  readonly address: Address;
  line: Line;
  failedMs: number;
}

export class Nameservers {
  readonly #clock: Clock;
  readonly #open: (address: Address) => Line;
  /** By address. */
  readonly #members = new Map<string, Member>();
  /** Those that were given at the start: they stay, whoever belongs to the group meanwhile. */
  readonly #given: ReadonlySet<Member>;
  #current: Member;
  #isClosed = false;
  #learned: { readonly from: Line; readonly atMs: number } | undefined;
  /** While nobody is known to lead, one call looks for the leader: hundreds would be in its way. */
  #search: { readonly by: object; readonly end: PromiseWithResolvers<void> } | undefined;

  constructor(addresses: readonly Address[], clock: Clock, open: (address: Address) => Line) {
    this.#clock = clock;
    this.#open = open;
    this.#given = new Set(addresses.map((address) => this.#member(address)));
    const [first] = this.#members.values();
    if (first === undefined)
      throw new QuarryError("InvalidArgument", "the address of a nameserver is needed");
    this.#current = first;
  }

  /** Who is believed to lead. */
  get current(): Member {
    return this.#current;
  }

  close(): void {
    this.#isClosed = true;
    for (const { line } of this.#members.values()) line.close();
  }

  /** Somebody answered. */
  found(): void {
    this.#search?.end.resolve();
    this.#search = undefined;
    const { line } = this.#current;
    const nowMs = this.#clock.monotonicMs();
    if (this.#learned?.from === line && nowMs - this.#learned.atMs < LEARN_MS) return;
    this.#learned = { from: line, atMs: nowMs };
    line.members().then(
      (addresses) => this.#learn(addresses),
      () => undefined, // asked again at the next occasion; those that are known stay known
    );
  }

  /** Members come and go: a client that knew only those of its start would lose the group one day. */
  #learn(addresses: readonly Address[]): void {
    if (this.#isClosed || addresses.length === 0) return;
    const now = new Set(addresses.map((address) => this.#member(address)));
    for (const [name, member] of this.#members)
      if (!now.has(member) && !this.#given.has(member) && member !== this.#current) {
        member.line.close();
        this.#members.delete(name);
      }
  }

  /** This call looks no longer: if it was the one to do so, it is another's turn. */
  gaveUp(call: object): void {
    if (this.#search?.by === call) this.found();
  }

  /**
   * Chooses whom this call asks next, after an error at a member; of several that failed at one member
   * the first chooses.
   */
  async moveOn(call: object, member: Member, line: Line, error: unknown): Promise<void> {
    if (error instanceof InterruptedCall && error.code !== "Timeout" && member.line === line) {
      member.failedMs = this.#clock.monotonicMs();
      // A fresh one does not wait as long before it tries again.
      line.close();
      member.line = this.#open(member.address);
    }
    if (this.leave(member, error) === "hinted") return;
    this.#search ??= { by: call, end: Promise.withResolvers() };
    if (this.#search.by === call) await sleep(this.#clock, PAUSE_MS);
    else await endsWithin(this.#clock, this.#search.end.promise, WAIT_MS);
  }

  /** Whoever asks next asks another: the one that it named, or the next. */
  leave(member: Member, error: unknown): "hinted" | "next" {
    if (this.#current !== member) return "next";
    const leader = error instanceof NotLeader ? this.#hinted(error, member) : undefined;
    this.#current = leader ?? this.#after(member);
    return leader === undefined ? "next" : "hinted";
  }

  #hinted({ leader }: NotLeader, teller: Member): Member | undefined {
    if (leader === undefined) return undefined;
    const member = this.#member(parseAddress(leader.address));
    const isShunned = this.#failedAgoMs(member) < SHUN_MS;
    return member === teller || isShunned ? undefined : member;
  }

  #after(member: Member): Member {
    const all = [...this.#members.values()];
    const at = all.indexOf(member);
    const inTurn = [...all.slice(at + 1), ...all.slice(0, at + 1)];
    return inTurn.find((one) => this.#failedAgoMs(one) > AVOID_MS) ?? inTurn[0] ?? member;
  }

  #failedAgoMs({ failedMs }: Member): number {
    return this.#clock.monotonicMs() - failedMs;
  }

  #member(address: Address): Member {
    const name = formatAddress(address);
    const known = this.#members.get(name);
    if (known !== undefined) return known;
    const member = { address, line: this.#open(address), failedMs: Number.NEGATIVE_INFINITY };
    this.#members.set(name, member);
    return member;
  }
}
