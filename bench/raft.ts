/**
 * CPU of the Raft core alone: three nodes in one process, disks and network that cost nothing. Each
 * batch is proposed, replicated to both followers, acknowledged, committed and handed out everywhere.
 * `node bench/raft.ts [--reads]`
 */
import type { NodeId } from "../base/ids.ts";
import { seededRandom } from "../base/random.ts";
import { runConditions } from "../cli/bench/conditions.ts";
import { spreadOf } from "../cli/bench/statistics.ts";
import { configurationOf } from "../raft/configuration.ts";
import { emptyState } from "../raft/entry.ts";
import type { Message } from "../raft/message.ts";
import { Raft } from "../raft/raft.ts";
import { defaultSettings } from "../raft/settings.ts";

const ROUNDS = 5;
const ENTRIES = 64_000;
const DATA = Buffer.alloc(300, 7);

class Group {
  readonly #nodes: Raft[];
  readonly #wire: Message[] = [];
  #now = { steadyMs: 0, wallMs: 0 };
  applied = 0;
  answered = 0;

  constructor() {
    const random = seededRandom(1);
    const ids = [1, 2, 3] as NodeId[];
    const state = emptyState(configurationOf({ voters: ids, learners: [] }));
    this.#nodes = ids.map(
      (id) =>
        new Raft({
          ...{ id, state, base: state, entries: [], hardState: undefined, nowMs: 0 },
          settings: defaultSettings,
          random: () => random.u32(),
        }),
    );
    this.leader.step(this.#now, { type: "campaign" });
    this.settle();
  }

  get leader(): Raft {
    const [leader] = this.#nodes;
    if (leader === undefined) throw new Error("a group has nodes");
    return leader;
  }

  batch(size: number): void {
    for (let id = 0; id < size; id++) {
      const proposal = { id, session: 1, sequence: 1, data: DATA };
      this.leader.step(this.#now, { type: "propose", proposal });
    }
    this.settle();
  }

  reads(size: number): void {
    for (let id = 0; id < size; id++) this.leader.step(this.#now, { type: "read", id });
    this.settle();
  }

  /** Time passes, and entries that everybody has applied are forgotten. */
  rest(): void {
    this.#now = { steadyMs: this.#now.steadyMs + 10, wallMs: this.#now.wallMs + 10 };
    for (const node of this.#nodes) node.step(this.#now, { type: "tick" });
    this.settle();
    for (const node of this.#nodes)
      node.step(this.#now, { type: "compact", index: node.status.commit });
  }

  settle(): void {
    for (const node of this.#nodes) this.#drain(node);
    for (let at = 0; at < this.#wire.length; at++) {
      const message = this.#wire[at];
      const node = message === undefined ? undefined : this.#nodes[message.to - 1];
      if (message === undefined || node === undefined) continue;
      node.step(this.#now, { type: "message", message });
      this.#drain(node);
    }
    this.#wire.length = 0;
  }

  #drain(node: Raft): void {
    for (;;) {
      const outputs = node.take();
      if (outputs === undefined) return;
      this.#wire.push(...outputs.send);
      this.applied += outputs.committed.length;
      this.answered += outputs.reads.length;
      if (outputs.persist === undefined) continue;
      this.#wire.push(...outputs.persist.thenSend);
      node.step(this.#now, { type: "persisted", sequence: outputs.persist.sequence });
    }
  }
}

function cpuMicros(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function measure(size: number, run: (group: Group) => void): { least: number; median: number } {
  const group = new Group();
  const batches = Math.ceil(ENTRIES / size);
  const rounds: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const micros = cpuMicros(() => {
      for (let i = 0; i < batches; i++) {
        run(group);
        if (i % 16 === 15) group.rest();
      }
    });
    // The first warms up.
    if (round > 0) rounds.push(micros / batches);
  }
  return spreadOf(rounds);
}

console.log(JSON.stringify(runConditions()));
console.log("what                      CPU µs a batch, all three nodes   µs an entry");
for (const size of [1, 16, 64, 256]) {
  const { least, median } = measure(size, (group) => group.batch(size));
  console.log(
    `${`${size} proposals`.padEnd(26)}${least.toFixed(1).padStart(8)} (median ${median.toFixed(1)})` +
      `${(least / size).toFixed(2).padStart(14)}`,
  );
}
for (const size of [1, 64]) {
  const { least, median } = measure(size, (group) => group.reads(size));
  console.log(
    `${`${size} reads`.padEnd(26)}${least.toFixed(1).padStart(8)} (median ${median.toFixed(1)})` +
      `${(least / size).toFixed(2).padStart(14)}`,
  );
}
