/**
 * Tells watchers what is applied here. Nothing is kept for a watcher but its question: one that is
 * slow falls behind the history and is told so, and holds up nobody.
 */
import type { Clock } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import type { LogIndex } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import {
  isWatched,
  type WatchedChange,
  type WatchService,
  type WatchTopic,
} from "../../rpc/watch-service.ts";
import { noLeader } from "../group/failures.ts";
import type { RunObserver } from "../state-machine.ts";
import type { StateStore } from "../state-store.ts";
import type { Touched } from "../transaction.ts";
import { changesOf } from "./changes-of.ts";
import { entriesOf } from "./entries.ts";
import { History, type HistoryOptions } from "./history.ts";

export interface FeedOptions extends HistoryOptions {
  readonly clock: Clock;
  readonly state: Pick<StateStore, "snapshot">;
  /** The revision that the state has now. */
  readonly head: LogIndex;
  /** Whether this nameserver hears of a leader. */
  readonly isLed: () => boolean;
  /** Watchers that may wait at once. Default `limits.watchers`. */
  readonly mostWatchers?: number;
  readonly report: (message: string) => void;
}

interface Waiter {
  readonly wanted: (change: WatchedChange) => boolean;
  readonly wake: () => void;
}

export class WatchFeed implements WatchService, RunObserver, Disposable {
  readonly #options: FeedOptions;
  readonly #history: History;
  /** Of the run at work. */
  #run: WatchedChange[] = [];
  /** A command of the run could not be told: watchers have to read anew. */
  #isIncomplete = false;
  /** By the place where changes that they want happen. */
  readonly #waiting = new Map<string, Set<Waiter>>();
  #waiters = 0;
  /** Those that wait for a revision. */
  readonly #lagging = new Set<{ readonly revision: LogIndex; readonly wake: () => void }>();
  #isClosed = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#history = new History(options.head, options);
  }

  /** Watchers that wait for a change now. */
  get waiters(): number {
    return this.#waiters;
  }

  applying(revision: LogIndex, touched: Touched): void {
    try {
      for (const change of changesOf(revision, touched)) this.#run.push(change);
    } catch (error) {
      // A command of a strange shape must not stop the nameserver, now or at every start after.
      this.#isIncomplete = true;
      this.#options.report(`watchers must read anew: change ${revision} makes no sense: ${error}`);
    }
  }

  applied(revision: LogIndex): void {
    if (this.#isIncomplete) {
      this.replaced(revision);
      return;
    }
    const run = this.#run;
    if (run.length > 0) this.#run = [];
    this.#history.add(run, revision);
    if (this.#waiters > 0) for (const change of run) this.#tell(change);
    this.#tellLagging();
  }

  replaced(revision: LogIndex): void {
    this.#run = [];
    this.#isIncomplete = false;
    this.#history.reset(revision);
    this.#wakeAll();
    this.#tellLagging();
  }

  async changes(request: Parameters<WatchService["changes"]>[0]) {
    const { topic, after } = request;
    const wanted = (change: WatchedChange) => isWatched(topic, change);
    const limit = Math.min(Math.max(1, request.limit), limits.watchAnswer);
    this.#check();
    const now = this.#history.since(after, wanted, limit);
    const waitMs = Math.min(request.waitMs, limits.watchWaitMs);
    if (now.changes.length > 0 || !(waitMs > 0)) return now;
    await this.#change(topic, now.revision, waitMs);
    this.#check();
    return this.#history.since(now.revision, wanted, limit);
  }

  async entries(request: Parameters<WatchService["entries"]>[0]) {
    this.#check();
    const { notBefore } = request;
    if (this.#history.head < notBefore) await this.#reached(notBefore);
    await using view = this.#options.state.snapshot();
    return await entriesOf(view, request);
  }

  /** Ends all waiting: watchers are to ask elsewhere. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#wakeAll();
    for (const one of this.#lagging) one.wake();
  }

  #check(): void {
    if (this.#isClosed) throw new QuarryError("Closed", "this nameserver is going away");
    if (!this.#options.isLed()) throw noLeader();
  }

  #tell(change: WatchedChange): void {
    for (const place of placesOf(change))
      for (const waiter of this.#waiting.get(place) ?? []) if (waiter.wanted(change)) waiter.wake();
  }

  /** Resolves at the first change of the topic after a revision, or after `waitMs`. */
  async #change(topic: WatchTopic, after: LogIndex, waitMs: number): Promise<void> {
    if (this.#waiters >= (this.#options.mostWatchers ?? limits.watchers))
      throw new QuarryError("Busy", "too many watchers wait at this nameserver: ask another one");
    const place = placeOf(topic);
    const woken = Promise.withResolvers<void>();
    const wanted = (change: WatchedChange) => change.revision > after && isWatched(topic, change);
    const waiter = { wanted, wake: woken.resolve };
    const timer = this.#options.clock.after(waitMs, woken.resolve);
    const there = this.#waiting.get(place) ?? new Set();
    this.#waiting.set(place, there.add(waiter));
    this.#waiters++;
    try {
      await woken.promise;
    } finally {
      timer.cancel();
      this.#waiters--;
      there.delete(waiter);
      if (there.size === 0 && this.#waiting.get(place) === there) this.#waiting.delete(place);
    }
  }

  async #reached(revision: LogIndex): Promise<void> {
    const woken = Promise.withResolvers<void>();
    const one = { revision, wake: woken.resolve };
    const timer = this.#options.clock.after(limits.watchLagMs, woken.resolve);
    this.#lagging.add(one);
    try {
      await woken.promise;
    } finally {
      timer.cancel();
      this.#lagging.delete(one);
    }
    this.#check();
    if (this.#history.head < revision)
      throw new QuarryError("Unavailable", "this nameserver lags behind: ask another one");
  }

  #tellLagging(): void {
    for (const one of this.#lagging) if (one.revision <= this.#history.head) one.wake();
  }

  #wakeAll(): void {
    for (const waiters of this.#waiting.values()) for (const { wake } of waiters) wake();
  }
}

function placeOf(topic: WatchTopic): string {
  switch (topic.kind) {
    case "map":
      return "map";
    case "buckets":
      return "buckets";
    case "keys":
      return `keys ${topic.bucket}`;
  }
}

function placesOf(change: WatchedChange): readonly string[] {
  switch (change.type) {
    case "map":
      return ["map"];
    case "bucketMade":
    case "bucketChanged":
    case "bucketRemoved":
      return ["buckets"];
    case "put":
    case "marker":
    case "delete":
      return [`keys ${change.bucket}`];
  }
}
