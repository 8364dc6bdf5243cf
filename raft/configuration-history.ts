/**
 * Which configuration holds from which entry on. One takes effect as soon as it is in the log, so it
 * must be taken back when its entry is cut off again.
 */
import { assert } from "../base/errors.ts";
import type { LogIndex, NodeId } from "../base/ids.ts";
import { type Configuration, isVoter } from "./configuration.ts";
import { decodeConfiguration } from "./configuration-codec.ts";
import type { Entry, StateHead } from "./entry.ts";

interface Since {
  readonly index: LogIndex;
  readonly configuration: Configuration;
}

export class ConfigurationHistory {
  /** Ascending; the first is that of a state, which nothing takes back. */
  #known: Since[];

  constructor(head: StateHead) {
    this.#known = [{ index: head.index, configuration: head.configuration }];
  }

  get current(): Configuration {
    return this.#latest.configuration;
  }

  /** Index of the entry that brought {@link current}. */
  get currentIndex(): LogIndex {
    return this.#latest.index;
  }

  /**
   * Whether this node has a say: by the current configuration, or, while that is not known to be
   * decided, by one before it. The leader that leaves may alone have the entry that says so, and
   * nobody else could be elected then.
   */
  mayBeVoter(id: NodeId): boolean {
    return this.#known.some(({ configuration }) => isVoter(configuration, id));
  }

  /** The entry was appended. */
  appended(entry: Entry): void {
    if (entry.kind !== "configuration" || entry.index <= this.currentIndex) return;
    this.#known.push({ index: entry.index, configuration: decodeConfiguration(entry.data) });
  }

  /** The entries from `from` on are gone. */
  truncated(from: LogIndex): void {
    while (this.#known.length > 1 && this.currentIndex >= from) this.#known.pop();
    assert(this.currentIndex < from, "the configuration of a state is never taken back");
  }

  /** Forgets what only entries up to the committed `index` needed. */
  settled(index: LogIndex): void {
    let keepFrom = 0;
    this.#known.forEach((one, i) => {
      if (one.index <= index) keepFrom = i;
    });
    if (keepFrom > 0) this.#known = this.#known.slice(keepFrom);
  }

  reset(head: StateHead): void {
    this.#known = [{ index: head.index, configuration: head.configuration }];
  }

  get #latest(): Since {
    const latest = this.#known.at(-1);
    assert(latest !== undefined, "there is always a configuration");
    return latest;
  }
}
