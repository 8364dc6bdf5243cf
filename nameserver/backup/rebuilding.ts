/**
 * A nameserver's folder made anew: rows of a state, then entries and commands on top, applied as ever,
 * then a log that goes on behind them. Until it is finished the folder cannot be opened.
 */
import type { Clock } from "../../base/clock.ts";
import { type Disk, replaceWhole } from "../../base/disk.ts";
import { assert, QuarryError } from "../../base/errors.ts";
import { ensureIdentity } from "../../base/identity.ts";
import type { LogIndex, NodeId, Term } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import { configurationOf, NO_MEMBERS } from "../../raft/configuration.ts";
import { encodeConfiguration } from "../../raft/configuration-codec.ts";
import { type Entry, NOBODY, type StateHead } from "../../raft/entry.ts";
import { type AnyCommand, type AnyResult, encodeCommand } from "../command.ts";
import { RowWriter } from "../group/snapshot-bytes.ts";
import { writeVote } from "../group/vote-file.ts";
import { Log } from "../log/log.ts";
import type { Digest } from "../row-codec.ts";
import { StateFolder } from "../state-folder.ts";
import { LevelState } from "../state-level.ts";
import { type Outcome, StateMachine } from "../state-machine.ts";
import type { StateReads } from "../state-store.ts";
import { behindAll, SKIPPED } from "./jump.ts";
import { RowTally } from "./row-tally.ts";

export interface RebuildingOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly directory: string;
  /** Which member of a group it will be: its only one, until others join. Default: a store's own. */
  readonly node?: NodeId;
}

const SOLE = 1 as NodeId;
/**
 * What goes on from here has higher terms than anything that the world before can have reached: so
 * copies in blocks of both are told apart.
 */
const TERMS_SKIPPED = 2 ** 20;

export class Rebuilding implements AsyncDisposable {
  readonly #options: RebuildingOptions;
  readonly #owned: AsyncDisposableStack;
  readonly #store: StateFolder;
  readonly #writer = new RowWriter();
  readonly #tally = new RowTally();
  #machine: StateMachine | undefined;
  #term: Term | undefined;

  private constructor(options: RebuildingOptions, owned: AsyncDisposableStack, store: StateFolder) {
    this.#options = options;
    this.#owned = owned;
    this.#store = store;
  }

  /** @throws QuarryError `InvalidArgument` when the folder is not empty. */
  static async begin(options: RebuildingOptions): Promise<Rebuilding> {
    const { disk, directory } = options;
    if ((await disk.list(directory)).length > 0)
      throw new QuarryError(
        "InvalidArgument",
        `${directory} is not empty; move away what is there first (a restore that did not end can be deleted)`,
      );
    await disk.makeDirectory(directory);
    await using owned = new AsyncDisposableStack();
    owned.use(await disk.lock(directory));
    // First the identity, last the log: a folder with one and without the other is opened by nobody.
    await ensureIdentity(disk, directory, "nameserver", options);
    const store = owned.use(
      await StateFolder.open(
        disk,
        `${directory}/state`,
        (folder, must) => LevelState.open(disk, folder, must),
        false,
      ),
    );
    return new Rebuilding(options, owned.move(), store);
  }

  /** More bytes of a state's rows. */
  async take(piece: Uint8Array): Promise<void> {
    const rows = this.#writer.rows(piece);
    this.#tally.add(rows);
    await this.#store.write(rows);
  }

  /**
   * The rows are all there.
   * @throws QuarryError `Damaged` when they are not those of one state.
   */
  endRows(): { readonly head: StateHead; readonly digest: Digest; readonly rows: number } {
    this.#writer.end();
    return { ...this.#tally.check(), rows: this.#tally.rows };
  }

  get state(): StateReads {
    return this.#store;
  }

  get head(): StateHead {
    return this.#opened.head;
  }

  get digest(): Digest {
    return this.#opened.digest;
  }

  /** Applies entries of the log that follow. */
  async replay(entries: readonly Entry[]): Promise<void> {
    await this.#opened.applyRun(entries);
  }

  /** The copy ends here; what was done behind it is not known, and none of its numbers is used again. */
  async recover(keepOrphansMs: number): Promise<void> {
    const machine = this.#opened;
    await machine.jump(behindAll(machine.applied, this.#options.clock.nowMs()));
    await this.give({ type: "recovered", skipBlobs: SKIPPED, keepOrphansMs });
  }

  /** @throws the refusal of the command. */
  async give(command: AnyCommand): Promise<AnyResult> {
    const [outcome] = await this.giveAll([command]);
    assert(outcome !== undefined, "every command has an outcome");
    if ("refusal" in outcome) throw outcome.refusal;
    return outcome.result;
  }

  async giveAll(commands: readonly AnyCommand[]): Promise<Outcome[]> {
    return await this.#apply("command", commands.map(encodeCommand));
  }

  /** Makes it a folder that a nameserver opens. */
  async finish(): Promise<void> {
    const { disk, directory, node, clock, random } = this.#options;
    const alone = configurationOf({ voters: [node ?? SOLE], learners: [] });
    await this.#apply("configuration", [encodeConfiguration(alone)]);
    await this.#store.checkpoint();
    const { head } = this.#opened;
    if (node !== undefined)
      await replaceWhole(disk, `${directory}/member`, Buffer.from(`${node}\n`));
    await writeVote(disk, directory, { term: head.term, vote: NOBODY, mustNotVote: false });
    const { log } = await Log.open(
      { disk, clock, random, directory: `${directory}/log`, durability: "commit" },
      head,
    );
    await log[Symbol.asyncDispose]();
    await disk.syncDirectory(directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned[Symbol.asyncDispose]();
  }

  get #opened(): StateMachine {
    this.#machine ??= new StateMachine(this.#store, NO_MEMBERS);
    return this.#machine;
  }

  async #apply(kind: Entry["kind"], data: readonly Uint8Array[]): Promise<Outcome[]> {
    const { index, term, timeMs } = this.#opened.head;
    const now = Math.max(timeMs, this.#options.clock.nowMs());
    this.#term ??= (term + TERMS_SKIPPED) as Term;
    const entryTerm = this.#term;
    return await this.#opened.applyRun(
      data.map((one, i) => ({
        index: (index + 1 + i) as LogIndex,
        term: entryTerm,
        timeMs: now,
        kind,
        session: 0,
        sequence: 0,
        data: one,
      })),
    );
  }
}
