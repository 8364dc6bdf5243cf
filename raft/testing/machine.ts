/** A state machine that notices what it is given twice, too late or in another order. */
import { hasCode } from "../../base/errors.ts";
import type { SessionId } from "../../base/ids.ts";
import type { Configuration } from "../configuration.ts";
import { decodeConfiguration } from "../configuration-codec.ts";
import { type Entry, emptyState, type StateHead } from "../entry.ts";
import { admit, openSession, remember } from "../sessions.ts";
import { MemorySessions } from "./session-rows.ts";
import { check } from "./violation.ts";

const RESULT = Buffer.from("done");

export type Outcome = "opened" | "applied" | "repeated" | "refused" | "internal";

export class Machine {
  head: StateHead;
  /** Of everything applied, in order. */
  digest = 0;
  readonly sessions: MemorySessions;
  /** How often each command took effect. */
  readonly effects: Map<string, number>;

  private constructor(head: StateHead, from?: Machine) {
    this.head = head;
    this.digest = from?.digest ?? 0;
    this.sessions = new MemorySessions(from?.sessions);
    this.effects = new Map(from?.effects);
  }

  static founded(configuration: Configuration): Machine {
    return new Machine(emptyState(configuration));
  }

  clone(): Machine {
    return new Machine(this.head, this);
  }

  apply(entry: Entry): Outcome {
    const { index, term, timeMs } = entry;
    check(index === this.head.index + 1, "entries are applied in order, each once");
    check(timeMs >= this.head.timeMs, "log time does not go back");
    const configuration =
      entry.kind === "configuration" ? decodeConfiguration(entry.data) : this.head.configuration;
    this.head = { index, term, timeMs, configuration };
    for (const byte of entry.data) this.digest = (Math.imul(this.digest, 31) + byte) >>> 0;
    this.digest = (Math.imul(this.digest, 31) + term) >>> 0;
    return entry.kind === "command" ? this.#command(entry) : "internal";
  }

  #command({ index, timeMs, session, sequence }: Entry): Outcome {
    if (session === 0) {
      openSession(this.sessions, index, timeMs);
      return "opened";
    }
    const id = session as SessionId;
    try {
      if (admit(this.sessions, id, sequence, timeMs).type === "repeat") return "repeated";
    } catch (error) {
      if (!hasCode(error, "SessionExpired")) throw error;
      return "refused";
    }
    remember(this.sessions, id, sequence, RESULT);
    const name = `${session}/${sequence}`;
    const times = (this.effects.get(name) ?? 0) + 1;
    check(times === 1, `command ${name} takes effect once`);
    this.effects.set(name, times);
    return "applied";
  }
}
