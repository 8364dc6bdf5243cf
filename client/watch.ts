/**
 * Follows a part of the metadata: what is there, then every change of it, in order, each once. Goes on
 * at another nameserver when one fails; when changes were missed that nobody keeps any more, it says so
 * and reads anew.
 *
 * While what is there is read, piece by piece, changes are followed already: those of names that a
 * later piece will show are left out, and so are those that the piece at hand contains.
 */
import { type Clock, sleep } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import type { LogIndex } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { Compacted } from "../rpc/compacted.ts";
import {
  type WatchedChange,
  type WatchService,
  type WatchTopic,
  watchedName,
} from "../rpc/watch-service.ts";

export interface WatchOptions {
  /** Nameservers of one group; one after the other is asked. */
  readonly members: readonly WatchService[];
  readonly clock: Clock;
  readonly topic: WatchTopic;
  /**
   * Tell only what changed after this revision, as long as that is known; absent: begin with what is
   * there.
   */
  readonly from?: LogIndex;
  /** Ends the watch. */
  readonly signal?: AbortSignal;
  /** So long no nameserver may answer until the watch fails. Default `limits.leaderPatienceMs`. */
  readonly patienceMs?: number;
  /** Entries and changes that are asked for at once. Default `limits.watchAnswer`. */
  readonly limit?: number;
}

export type WatchEvent =
  /** Forget what was told before: entries follow. */
  | { readonly type: "reset" }
  /** This is there. */
  | { readonly type: "entry"; readonly change: WatchedChange }
  /** All entries are told: together with the changes told so far they are the state at this revision. */
  | { readonly type: "synced"; readonly revision: LogIndex }
  | { readonly type: "change"; readonly change: WatchedChange }
  /** All changes up to here are told: a watch may go on from this revision. */
  | { readonly type: "progress"; readonly revision: LogIndex };

const PAUSE_MS = 25;
/** Another nameserver than the one that was read may take a moment to come as far. */
const CATCH_UP_MS = 50;
const NOTHING = 0 as LogIndex;

/**
 * @throws QuarryError the last failure when no nameserver answers for too long; `Cancelled` never: a
 *   watch that is ended by its signal just ends.
 */
export async function* watch(options: WatchOptions): AsyncGenerator<WatchEvent, void, undefined> {
  const members = new Members(options);
  let revision = options.from;
  try {
    for (;;) {
      if (revision === undefined) revision = yield* read(members, options);
      try {
        for (;;) revision = yield* follow(members, options, revision);
      } catch (error) {
        if (!(error instanceof Compacted)) throw error;
        if (!members.others()) revision = undefined;
      }
    }
  } catch (error) {
    if (error !== ENDED) throw error;
  }
}

/** One answer's changes; returns how far they go. */
async function* follow(
  members: Members,
  { topic, limit = limits.watchAnswer }: WatchOptions,
  after: LogIndex,
): AsyncGenerator<WatchEvent, LogIndex, undefined> {
  const waitMs = limits.watchWaitMs;
  const answer = await members.ask((one) => one.changes({ topic, after, limit, waitMs }));
  members.found();
  for (const change of answer.changes) yield { type: "change", change };
  const { revision } = answer;
  if (revision > (answer.changes.at(-1)?.revision ?? after)) yield { type: "progress", revision };
  return revision;
}

/** What is there; returns the revision at which it was all told. */
async function* read(
  members: Members,
  options: WatchOptions,
): AsyncGenerator<WatchEvent, LogIndex, undefined> {
  for (;;) {
    yield { type: "reset" };
    try {
      const revision = yield* readOnce(members, options);
      yield { type: "synced", revision };
      return revision;
    } catch (error) {
      // So much changed meanwhile that it is not kept: once more.
      if (!(error instanceof Compacted)) throw error;
    }
  }
}

async function* readOnce(
  members: Members,
  { topic, limit = limits.watchAnswer }: WatchOptions,
): AsyncGenerator<WatchEvent, LogIndex, undefined> {
  /** Names up to this one are told as of `revision`. */
  let told: string | undefined;
  let revision = NOTHING;
  for (;;) {
    const notBefore = revision;
    const after = told === undefined ? {} : { after: told };
    const piece = await members.ask((one) => one.entries({ topic, ...after, limit, notBefore }));
    for (const change of piece.entries) yield { type: "entry", change };
    const last = piece.entries.at(-1);
    const end = piece.more && last !== undefined ? watchedName(last) : undefined;
    if (told === undefined) revision = piece.revision;
    while (revision < piece.revision) {
      const request = { topic, after: revision, limit, waitMs: CATCH_UP_MS };
      const answer = await members.ask((one) => one.changes(request));
      for (const change of answer.changes) {
        const name = watchedName(change);
        const isOfPiece = told === undefined || isBehind(name, told);
        if (isOfPiece && end !== undefined && isBehind(name, end)) continue;
        if (!isOfPiece || change.revision > piece.revision) yield { type: "change", change };
      }
      revision = answer.revision;
    }
    if (end === undefined) return revision;
    told = end;
  }
}

/** In the order of UTF-8 bytes, which is not that of JavaScript. */
const isBehind = (name: string, other: string) =>
  Buffer.compare(Buffer.from(name), Buffer.from(other)) > 0;

const ENDED = Symbol("the watch was ended");

/** The nameservers, of which one is asked until it fails. */
class Members {
  readonly #options: WatchOptions;
  #at = 0;
  /** How many in turn no longer had what was asked for. */
  #lacking = 0;

  constructor(options: WatchOptions) {
    if (options.members.length === 0)
      throw new QuarryError("InvalidArgument", "the address of a nameserver is needed");
    this.#options = options;
  }

  async ask<T>(question: (member: WatchService) => Promise<T>): Promise<T> {
    const { members, clock, patienceMs = limits.leaderPatienceMs } = this.#options;
    const untilMs = clock.monotonicMs() + patienceMs;
    for (;;) {
      const member = members[this.#at % members.length];
      if (member === undefined || this.#options.signal?.aborted === true) throw ENDED;
      try {
        return await this.#untilEnded(question(member));
      } catch (error) {
        const mayPass = error instanceof QuarryError && error.retry !== "no";
        if (!mayPass || clock.monotonicMs() >= untilMs) throw error;
        this.#at++;
        await this.#untilEnded(sleep(clock, PAUSE_MS));
      }
    }
  }

  /** The member at hand lacks changes: whether there is another one to ask for them. */
  others(): boolean {
    this.#at++;
    this.#lacking++;
    if (this.#lacking < this.#options.members.length) return true;
    this.#lacking = 0;
    return false;
  }

  found(): void {
    this.#lacking = 0;
  }

  /** Leaves nothing behind at the signal: a watch may ask for years. */
  #untilEnded<T>(running: Promise<T>): Promise<T> {
    const { signal } = this.#options;
    if (signal === undefined) return running;
    return new Promise((resolve, reject) => {
      const end = () => reject(ENDED);
      const leave = () => signal.removeEventListener("abort", end);
      signal.addEventListener("abort", end, { once: true });
      running.then(resolve, reject).finally(leave);
    });
  }
}
