/**
 * The nameservers of a group as one: finds the leader, follows it, and repeats what may be repeated.
 * Reads always may. Changes may because each has a number in a session of this client, and is applied
 * once under it. A change of which it cannot be told in the end whether it was made is answered with
 * `OutcomeUnknown`.
 */
import { type Clock, endsWithin } from "../base/clock.ts";
import { assert, hasCode, QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import { type Address, parseAddress } from "../rpc/address.ts";
import { RpcClient } from "../rpc/client.ts";
import type { Command, CommandResult, Once } from "../rpc/commands.ts";
import { connect } from "../rpc/connect.ts";
import type { NameService } from "../rpc/name-service.ts";
import { methodsOf } from "../rpc/service-table.ts";
import { groupTable, nameTable } from "../rpc/tables.ts";
import type { TlsIdentity } from "../rpc/tls.ts";
import { fateOf, fateOfChange } from "./fate.ts";
import { type Line, type Methods, Nameservers } from "./nameservers.ts";
import { ClientSessions } from "./sessions.ts";

export type { Line };

export interface LeaderOptions {
  /** Some or all of the nameservers; a leader that is not among them is found through them. */
  readonly addresses: readonly Address[];
  readonly secret: Uint8Array;
  /** Certificates, when the cluster uses TLS. */
  readonly tls?: TlsIdentity;
  readonly clock: Clock;
  readonly random: Random;
  /** How long a call looks for a leader before it fails. Default `limits.leaderPatienceMs`. */
  readonly patienceMs?: number;
  /** How to talk to one of them; default: over sockets. */
  readonly open?: (address: Address) => Line;
}

export class LeaderNames implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  readonly #nameservers: Nameservers;
  readonly #sessions: ClientSessions;
  #isClosed = false;
  readonly names: NameService;

  constructor(options: LeaderOptions) {
    const { addresses, clock, patienceMs = limits.leaderPatienceMs } = options;
    this.#clock = clock;
    this.#patienceMs = patienceMs;
    this.#nameservers = new Nameservers(addresses, clock, options.open ?? overSockets(options));
    const methods = methodsOf(nameTable).map(
      ({ name }) => [name, (...args: unknown[]) => this.#call(name, args)] as const,
    );
    const names = Object.fromEntries(methods) as unknown as NameService;
    // One whose opening was not heard of is never used, and ends by itself.
    this.#sessions = new ClientSessions(() => names.openSession());
    this.names = { ...names, execute: (command, once) => this.#execute(command, once) };
  }

  /** Sessions are closed if that takes no long time; otherwise they end by themselves. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const { methods } = this.#nameservers.current.line;
    const closing = this.#sessions.ids.map((session) => methods["closeSession"]?.(session));
    if (closing.length > 0)
      await endsWithin(this.#clock, Promise.allSettled(closing), limits.sessionCloseMs);
    this.#nameservers.close();
  }

  /** What may be done twice: reads; and leased ids may be lost, a block sealed again. */
  async #call(name: string, args: readonly unknown[]): Promise<unknown> {
    return await this.#ask(name, args, this.#untilMs(), (error) => {
      const fate = fateOf(error);
      return fate === "open" || fate === "not begun";
    });
  }

  async #execute(command: Command, given: Once | undefined): Promise<CommandResult> {
    const untilMs = this.#untilMs();
    if (given !== undefined) return await this.#change(command, given, untilMs);
    for (let attempt = 1; ; attempt++) {
      const once = await this.#sessions.take();
      try {
        return await this.#change(command, once, untilMs);
      } catch (error) {
        if (!hasCode(error, "SessionExpired")) throw error;
        this.#sessions.drop(once.session);
        if (this.#isClosed || attempt >= limits.retries) throw error;
      } finally {
        this.#sessions.release(once);
      }
    }
  }

  /** `SessionExpired` comes out of this only when the change was certainly not made. */
  async #change(command: Command, once: Once, untilMs: number): Promise<CommandResult> {
    // Whether an attempt before may have made it, or may make it yet.
    let isOpen = false;
    const mayRepeat = (error: unknown): boolean => {
      const fate = fateOfChange(error);
      if (fate === "open") isOpen = true;
      return fate === "open" || fate === "not begun" || (fate === "hopeless" && isOpen);
    };
    try {
      return (await this.#ask("execute", [command, once], untilMs, mayRepeat)) as CommandResult;
    } catch (error) {
      const isAnswer = fateOfChange(error) === "answered" && !hasCode(error, "SessionExpired");
      if (isOpen && !isAnswer) throw outcomeUnknown(error);
      throw error;
    }
  }

  /** Asks one nameserver after the other until there is an answer or patience ends. */
  async #ask(
    name: string,
    args: readonly unknown[],
    untilMs: number,
    mayRepeat: (error: unknown) => boolean,
  ): Promise<unknown> {
    const call = {};
    for (;;) {
      const member = this.#nameservers.current;
      const { line } = member;
      const method = line.methods[name];
      assert(method !== undefined, "every method of the table is there");
      try {
        const answer = await method(...args);
        this.#nameservers.found();
        return answer;
      } catch (error) {
        const isTimeUp = this.#clock.monotonicMs() >= untilMs;
        if (!mayRepeat(error) || this.#isClosed || isTimeUp) {
          // The next call begins with another, or one that stands still would have them all.
          if (mayRepeat(error) && isTimeUp) this.#nameservers.leave(member, error);
          this.#nameservers.gaveUp(call);
          throw error;
        }
        await this.#nameservers.moveOn(call, member, line, error);
      }
    }
  }

  #untilMs(): number {
    return this.#clock.monotonicMs() + this.#patienceMs;
  }
}

/** A leader that stands still is found out by its silence, long before a call takes too long. */
function overSockets({ secret, tls, clock, random, patienceMs }: LeaderOptions) {
  return (address: Address): Line => {
    const pingMs = limits.leaderPingMs;
    const rpc = new RpcClient({ address, secret, ...(tls && { tls }), clock, random, pingMs });
    const deadlineMs = patienceMs ?? limits.leaderPatienceMs;
    const methods = connect(nameTable, rpc, { deadlineMs }) as unknown as Methods;
    const group = connect(groupTable, rpc, { deadlineMs });
    const members = async () =>
      (await group.status()).members.map((member) => parseAddress(member.address));
    return { methods, members, close: () => rpc.close() };
  };
}

const outcomeUnknown = (cause: unknown) =>
  new QuarryError(
    "OutcomeUnknown",
    `whether the change was made is not known; look before making it again (${cause instanceof Error ? cause.message : String(cause)})`,
    { cause },
  );
