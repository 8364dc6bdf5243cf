/** Those who proposed a command or asked to read, until they are answered. */
import { assert, QuarryError, unreachable } from "../../base/errors.ts";
import type { Refusal } from "../../raft/outputs.ts";
import { NotLeader } from "../../rpc/not-leader.ts";
import type { AnyResult } from "../command.ts";
import { outcomeUnknown } from "./failures.ts";

/** How a proposer is told. */
export interface Proposer {
  readonly resolve: (result: AnyResult) => void;
  readonly reject: (error: unknown) => void;
}

export class Waiting {
  /** By proposal, until it has its place in the log. */
  readonly #proposers = new Map<number, Proposer>();
  /** By read, until it is confirmed. */
  readonly #readers = new Map<number, PromiseWithResolvers<void>>();
  #lastId = 0;

  propose(): { readonly id: number; readonly answer: Promise<AnyResult> } {
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<AnyResult>();
    this.#proposers.set(id, { resolve, reject });
    return { id, answer: promise };
  }

  read(): { readonly id: number; readonly confirmed: Promise<void> } {
    const id = ++this.#lastId;
    const reader = Promise.withResolvers<void>();
    this.#readers.set(id, reader);
    return { id, confirmed: reader.promise };
  }

  /** The proposal is in the log: what comes of it is known when it is applied. */
  accepted(id: number): Proposer {
    const proposer = this.#proposers.get(id);
    assert(proposer !== undefined, "only what was proposed is accepted");
    this.#proposers.delete(id);
    return proposer;
  }

  refused(refusal: Refusal): void {
    this.#proposers.get(refusal.id)?.reject(errorOf(refusal));
    this.#proposers.delete(refusal.id);
  }

  /** The read may be answered now; or, with an error, not. */
  confirm(id: number, error?: QuarryError): void {
    const reader = this.#readers.get(id);
    this.#readers.delete(id);
    if (error === undefined) reader?.resolve();
    else reader?.reject(error);
  }

  /** Nobody will be answered any more; `fate` is that of what was proposed. */
  fail(failure: QuarryError, fate: QuarryError): void {
    for (const { reject } of this.#proposers.values()) reject(fate);
    for (const { reject } of this.#readers.values()) reject(failure);
    this.#proposers.clear();
    this.#readers.clear();
  }
}

function errorOf({ reason, message }: Refusal): QuarryError {
  switch (reason) {
    case "busy":
      return new QuarryError("Busy", message);
    case "invalid":
      return new QuarryError("InvalidArgument", message);
    case "noLeader":
    case "transferring":
      return new NotLeader(message, undefined);
    case "unknown":
      return outcomeUnknown();
    default:
      return unreachable(reason);
  }
}
