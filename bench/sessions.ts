/**
 * What it costs that a command is applied once: CPU of applying `putObject` with and without a session,
 * into LevelDB, part by part in turns. `places` is how many commands wait for answers at the same time.
 * `node bench/sessions.ts [commands of a part, default 40000] [entries of a run, default 256]`
 */
import console from "node:console";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeDisk } from "../base/disk-node.ts";
import type { BlobId, BlockId, DeviceId, LogIndex, SessionId, Term } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { runConditions } from "../cli/bench/conditions.ts";
import { putCommand } from "../cli/bench/micro/put-command.ts";
import { spreadOf } from "../cli/bench/statistics.ts";
import { type AnyCommand, encodeCommand } from "../nameserver/command.ts";
import { NOT_ONCE } from "../nameserver/group/group.ts";
import { LevelState } from "../nameserver/state-level.ts";
import { StateMachine } from "../nameserver/state-machine.ts";
import type { Entry } from "../raft/entry.ts";
import type { Once } from "../rpc/commands.ts";

const count = Number(process.argv[2] ?? 40_000);
const RUN = Number(process.argv[3] ?? 256);
const PARTS = 9;
const WIDTH = limits.sessionWindow;
const block = 1 as BlockId;

class Subject {
  readonly #machine: StateMachine;
  readonly #state: LevelState;
  readonly #places: number;
  readonly #sessions: SessionId[] = [];
  #index = 0;
  #blob = 0;
  /** Of each part: of all threads, LevelDB's compactions too, and of the main thread. */
  readonly micros: number[] = [];
  readonly threadMicros: number[] = [];

  constructor(state: LevelState, places: number) {
    this.#state = state;
    this.#machine = new StateMachine(state);
    this.#places = places;
  }

  async begin(): Promise<void> {
    const members = ["bench" as DeviceId];
    const setup: AnyCommand[] = [
      { type: "createBucket", bucket: "bench", owner: "bench" },
      { type: "putUser", user: { id: "bench", displayName: "Bench" } },
      { type: "addBlock", block, generation: 1, pool: 0, members },
    ];
    for (let leased = 0; leased <= count * (PARTS + 1); leased += 4096)
      setup.push({ type: "leaseBlobs", count: 4096 });
    await this.#machine.applyRun(setup.map((command) => this.#entry(command)));
    for (let places = 0; places < this.#places; places += WIDTH) {
      const [outcome] = await this.#machine.applyRun([this.#entry({ type: "openSession" })]);
      if (outcome === undefined || !("result" in outcome) || outcome.result.type !== "session")
        throw new Error("no session");
      this.#sessions.push(outcome.result.session);
    }
  }

  async part(): Promise<void> {
    const runs: Entry[][] = [];
    for (let left = count; left > 0; left -= RUN)
      runs.push(Array.from({ length: Math.min(left, RUN) }, () => this.#put()));
    const before = process.cpuUsage();
    const threadBefore = process.threadCpuUsage();
    for (const run of runs)
      for (const outcome of await this.#machine.applyRun(run))
        if ("refusal" in outcome) throw outcome.refusal;
    const { user, system } = process.cpuUsage(before);
    this.micros.push((user + system) / count);
    const thread = process.threadCpuUsage(threadBefore);
    this.threadMicros.push((thread.user + thread.system) / count);
  }

  resultBytes(): Promise<number> {
    return this.#state.approximateBytes("\x81", "\x82");
  }

  #put(): Entry {
    const nth = this.#blob;
    const blob = ++this.#blob as BlobId;
    const key = `full0/d${String(blob % 1000).padStart(4, "0")}/${blob}`;
    return this.#entry(putCommand("bench", key, blob, block), this.#number(nth));
  }

  #number(nth: number): Once {
    const place = nth % Math.max(1, this.#places);
    const session = this.#sessions[Math.floor(place / WIDTH)];
    if (session === undefined) return NOT_ONCE;
    return { session, sequence: 1 + (place % WIDTH) + WIDTH * Math.floor(nth / this.#places) };
  }

  #entry(command: AnyCommand, once: Once = NOT_ONCE): Entry {
    const index = ++this.#index as LogIndex;
    const data = encodeCommand(command);
    return { index, term: 1 as Term, timeMs: 1, kind: "command", ...once, data };
  }
}

const directory = await mkdtemp(join(tmpdir(), "quarry-bench-sessions-"));
try {
  console.log(JSON.stringify(runConditions()));
  await using states = new AsyncDisposableStack();
  const subjects = new Map<number, Subject>();
  for (const places of [0, 1, 64, 256, 1024]) {
    const state = states.use(await LevelState.open(nodeDisk, join(directory, `${places}`), false));
    const subject = new Subject(state, places);
    await subject.begin();
    subjects.set(places, subject);
  }
  for (let part = 0; part <= PARTS; part++)
    for (const subject of subjects.values()) await subject.part();
  const plain = subjects.get(0);
  // Of each part to the same part without sessions; the first warms up.
  const ratio = (to: readonly number[], from: readonly number[] = []) =>
    spreadOf(to.map((micros, part) => micros / (from[part] ?? Number.NaN)).slice(1)).median;
  for (const [places, subject] of subjects) {
    const [least, all] = [spreadOf(subject.micros).least, ratio(subject.micros, plain?.micros)];
    const thread = ratio(subject.threadMicros, plain?.threadMicros);
    const rows = ((await subject.resultBytes()) / 1024).toFixed(0);
    const what = places === 0 ? "without a session" : `${places} places`;
    console.log(
      `${what.padEnd(20)} ${least.toFixed(2)} µs CPU a putObject at the least, ` +
        `${all.toFixed(2)} times (main thread ${thread.toFixed(2)}), result rows on disk ${rows} KiB`,
    );
  }
} finally {
  await rm(directory, { recursive: true });
}
