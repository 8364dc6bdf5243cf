/** Keys as registers: what clients of a fault's load can ask of a store, whatever face it has. */
import { type ErrorCode, hasCode } from "../../base/errors.ts";
import type { BlobId } from "../../base/ids.ts";
import { InterruptedCall } from "../../rpc/call.ts";
import type { NameService } from "../../rpc/name-service.ts";
import type { Answer, Request, Seen } from "../linearizable/history.ts";

export type Write = Exclude<Request, { readonly type: "read" }>;

/** `none`: it certainly did not happen, and never will; `open`: nobody knows. */
export type Outcome = Answer | "none" | "open";

/** Rejects with what should never be heard. */
export interface Registers {
  /** Makes the bucket. */
  prepare(): Promise<void>;
  write(key: string, request: Write): Promise<Outcome>;
  read(key: string): Promise<Seen | "none">;
  /** What each key under a prefix holds. */
  list(prefix: string): Promise<ReadonlyMap<string, string> | "none">;
}

const BUCKET = "faults";
const PAGE = 1000;
const LEASE = 1000;
/** Ends of a call that a client is told when nobody could be found who leads. */
const NOT_NOW: readonly ErrorCode[] = ["NotLeader", "Closed", "Unavailable", "Timeout", "Busy"];

/** Names of empty objects; what they hold is their ETag. */
export class NameRegisters implements Registers {
  readonly #names: NameService;
  #leased: { next: number; end: number } = { next: 0, end: 0 };
  #leasing: Promise<void> | undefined;

  constructor(names: NameService) {
    this.#names = names;
  }

  async prepare(): Promise<void> {
    for (;;)
      try {
        await this.#names.execute({ type: "createBucket", bucket: BUCKET, owner: "root" });
        return;
      } catch (error) {
        if (hasCode(error, "BucketExists")) return;
        if (outcomeOf(error) === undefined) throw error;
      }
  }

  async write(key: string, request: Write): Promise<Outcome> {
    try {
      await this.#execute(key, request);
      return { type: "done" };
    } catch (error) {
      const outcome = outcomeOf(error);
      if (outcome === undefined) throw error;
      return outcome;
    }
  }

  async #execute(key: string, request: Write): Promise<void> {
    const at = { bucket: BUCKET, key };
    if (request.type === "delete") {
      await this.#names.execute({ type: "deleteObject", ...at });
      return;
    }
    const { etag, match } = request;
    const blob = await this.#blob();
    const conditions = match === "none" ? { ifNoneMatch: "*" } : { ifMatch: match ?? "*" };
    await this.#names.execute({
      ...{ type: "putObject", ...at, attributes: { etag } },
      content: { blob, lengthBytes: 0, registered: 0, chunks: [] },
      ...(match !== undefined && { conditions }),
    });
  }

  /** A lease that nobody heard of is only lost ids. */
  async #blob(): Promise<BlobId> {
    while (this.#leased.next === this.#leased.end) {
      this.#leasing ??= this.#lease().finally(() => {
        this.#leasing = undefined;
      });
      await this.#leasing;
    }
    return this.#leased.next++ as BlobId;
  }

  async #lease(): Promise<void> {
    const first = await this.#names.leaseBlobs(LEASE).catch((error: unknown) => {
      throw outcomeOf(error) === "open" ? new NotBegun() : error;
    });
    this.#leased = { next: first, end: first + LEASE };
  }

  async read(key: string): Promise<Seen | "none"> {
    try {
      return (await this.#names.lookup({ bucket: BUCKET, key })).object.attributes.etag;
    } catch (error) {
      if (hasCode(error, "NoSuchKey")) return null;
      if (outcomeOf(error) === undefined) throw error;
      return "none";
    }
  }

  async list(prefix: string): Promise<ReadonlyMap<string, string> | "none"> {
    const found = new Map<string, string>();
    try {
      for (let after = ""; ; ) {
        const request = { bucket: BUCKET, prefix, delimiter: "", after, limit: PAGE };
        const { objects, truncated, last } = await this.#names.list(request);
        for (const { key, attributes } of objects) found.set(key, attributes.etag);
        if (!truncated || last === undefined) return found;
        after = last;
      }
    } catch (error) {
      if (outcomeOf(error) === undefined) throw error;
      return "none";
    }
  }
}

/** What was to be made before the change itself has failed. */
class NotBegun extends Error {}

function outcomeOf(error: unknown): Outcome | undefined {
  if (error instanceof NotBegun) return "none";
  if (hasCode(error, "ConditionFailed", "NoSuchKey")) return { type: "refused" };
  if (hasCode(error, "OutcomeUnknown")) return "open";
  if (error instanceof InterruptedCall) return error.mayHaveExecuted ? "open" : "none";
  return hasCode(error, ...NOT_NOW) ? "none" : undefined;
}
