/**
 * Looks on while nameservers apply entries, and knows what each must come to: a state of its own
 * applies the same entries one by one. Whatever a nameserver does otherwise is a violation.
 */
import { crc32c } from "../../base/checksum.ts";
import type { LogIndex, NodeId, Term } from "../../base/ids.ts";
import { decodeCommand } from "../../nameserver/command.ts";
import { tags } from "../../nameserver/keyspace.ts";
import type { Digest } from "../../nameserver/row-codec.ts";
import { type Outcome, StateMachine } from "../../nameserver/state-machine.ts";
import { MemoryState } from "../../nameserver/state-memory.ts";
import type { Change } from "../../nameserver/state-store.ts";
import type { Configuration } from "../../raft/configuration.ts";
import type { Entry } from "../../raft/entry.ts";
import { Cuts } from "./cuts.ts";
import type { Needles } from "./needles.ts";

const KEPT_LINES = 400;
const sessionTags = new Set<string>([tags.session, tags.sessionResults, tags.sessionCount]);

export class Oracle {
  readonly violations: string[] = [];
  readonly store: MemoryState = new MemoryState();
  readonly cuts: Cuts = new Cuts();
  /** The end of what happened, for people; and a check over all of it. */
  readonly lines: string[] = [];
  /** How many of them are kept. */
  keptLines: number = KEPT_LINES;
  fingerprint = 0;
  acknowledgedIndex = 0;
  readonly #machine: StateMachine;
  readonly #apply = StateMachine.prototype.applyRun;
  readonly #decided: Entry[] = [];
  readonly #digests: Digest[] = [{ a: 0, b: 0 }];
  /** Session and number of what took effect. */
  readonly #applied = new Set<string>();
  readonly #leaders = new Map<Term, NodeId>();
  #claims: { readonly node: string; readonly index: number; readonly digest: Digest }[] = [];
  #tail: Promise<void> = Promise.resolve();
  /** Of the last entry. */
  #changes: readonly Change[] = [];
  readonly #nowMs: () => number;
  needles: Needles | undefined;

  constructor(founders: Configuration, nowMs: () => number) {
    this.#machine = new StateMachine(this.store, founders, (changes) => {
      this.#changes = changes;
    });
    this.#nowMs = nowMs;
  }

  get decidedIndex(): number {
    return this.#decided.length;
  }

  get failovers(): number {
    return Math.max(0, this.#leaders.size - 1);
  }

  digestAt(index: number): Digest | undefined {
    return this.#digests[index];
  }

  say(line: string): void {
    const whole = `${this.#nowMs().toFixed(2)} ${line}`;
    this.fingerprint = (crc32c(Buffer.from(whole)) ^ Math.imul(this.fingerprint, 31)) >>> 0;
    this.lines.push(whole);
    if (this.lines.length > this.keptLines) this.lines.shift();
  }

  violated(what: string): void {
    this.say(`VIOLATION ${what}`);
    this.violations.push(what);
  }

  /** True when that is new. */
  leads(id: NodeId, term: Term): boolean {
    const known = this.#leaders.get(term);
    if (known === id) return false;
    if (known !== undefined) this.violated(`term ${term} has two leaders, ${known} and ${id}`);
    this.#leaders.set(term, id);
    this.say(`${id} leads in term ${term}`);
    return true;
  }

  /** Watches every state machine until what it returns is called. */
  watch(): () => void {
    const watched = StateMachine.prototype.applyRun;
    const oracle = this;
    StateMachine.prototype.applyRun = async function applyRun(entries): Promise<Outcome[]> {
      const outcomes = await watched.call(this, entries);
      oracle.#saw(entries, this);
      return outcomes;
    };
    return () => {
      StateMachine.prototype.applyRun = watched;
    };
  }

  #saw(entries: readonly Entry[], { applied, digest }: StateMachine): void {
    for (const entry of entries) {
      const known = this.#decided[entry.index - 1];
      if (known === undefined) this.#decide(entry);
      else if (known.term !== entry.term || !Buffer.from(known.data).equals(entry.data))
        this.violated(`two entries were decided for index ${entry.index}`);
    }
    this.#claims.push({ node: "a nameserver", index: applied, digest });
    this.say(`applied ${applied} ${digest.a}`);
  }

  #decide(entry: Entry): void {
    if (entry.index !== this.#decided.length + 1) {
      this.violated(`entry ${entry.index} was applied before ${this.#decided.length + 1}`);
      return;
    }
    this.#decided.push(entry);
    this.#tail = this.#tail.then(() => this.#follow(entry));
  }

  async #follow(entry: Entry): Promise<void> {
    const command = entry.kind === "command" ? decodeCommand(entry.data) : undefined;
    const before = command && this.needles?.before(command);
    const [outcome] = await this.#apply.call(this.#machine, [entry]);
    this.#digests.push(this.#machine.digest);
    if (command === undefined || outcome === undefined || !("result" in outcome)) return;
    if (this.#isRepeat(entry)) {
      if (this.#changes.some(({ key }) => !sessionTags.has(key.charAt(0))))
        this.violated(`entry ${entry.index} makes a change again that was made`);
      return;
    }
    this.cuts.add(entry.index, command);
    if (before !== undefined) this.needles?.after(command, before, entry.timeMs);
  }

  /** What a client sent again under its number, and was applied before, has no effect. */
  #isRepeat({ session, sequence }: Entry): boolean {
    if (session === 0) return false;
    const number = `${session}/${sequence}`;
    if (this.#applied.has(number)) return true;
    this.#applied.add(number);
    return false;
  }

  /** A nameserver says that this is its state. */
  claims(node: string, index: LogIndex, digest: Digest): void {
    this.#claims.push({ node, index, digest });
  }

  /** To be called when nothing moves: what was claimed must be so. */
  settle(): void {
    this.needles?.look();
    for (const { node, index, digest } of this.#claims) {
      const right = this.#digests[index];
      if (right === undefined || right.a !== digest.a || right.b !== digest.b)
        this.violated(`the state of ${node} at ${index} is not what the log makes of it`);
    }
    this.#claims = [];
  }
}
