import { expect, test } from "vitest";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import { SimulatedDisk } from "../../base/disk-simulated.ts";
import type { LogIndex, Term } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { seededRandom } from "../../base/random.ts";
import type { Entry } from "../../raft/entry.ts";
import { encodeCommand } from "../command.ts";
import { Log } from "../log/log.ts";
import { StateMachine } from "../state-machine.ts";
import { MemoryState } from "../state-memory.ts";
import type { Change } from "../state-store.ts";
import { Applier } from "./applier.ts";
import { GiveWay } from "./give-way.ts";
import { Persister } from "./persister.ts";

/** A state that takes nothing in until it may. */
class SlowState extends MemoryState {
  readonly #gate = Promise.withResolvers<void>();

  open(): void {
    this.#gate.resolve();
  }

  override async write(changes: readonly Change[]): Promise<void> {
    await this.#gate.promise;
    await super.write(changes);
  }
}

const refused = encodeCommand({ type: "closeSession", session: 7 as never });
const entry = (index: number, bytes = 0): Entry => ({
  ...{ index: index as LogIndex, term: 1 as Term, timeMs: 0, kind: "command" },
  ...{ session: 0, sequence: 0, data: Buffer.concat([refused, Buffer.alloc(bytes)]) },
});

test("a member whose state is slow takes no more entries than it may gather", async () => {
  const state = new SlowState();
  const machine = new StateMachine(state);
  const onFailure = (error: unknown) => expect.fail(String(error));
  const applier = new Applier(machine, { onApplied: () => {}, onFailure });
  const disk = new SimulatedDisk();
  const clock = new SimulatedClock();
  const options = { disk, clock, random: seededRandom(1), directory: "/ns/log" };
  const place = { index: 0 as LogIndex, term: 0 as Term, timeMs: 0 };
  const { log } = await Log.open({ ...options, durability: "commit" }, place);
  const persisted: number[] = [];
  const written = Promise.withResolvers<void>();
  const persister = new Persister({
    ...{ disk, clock, directory: "/ns", log, onFailure },
    report: () => {},
    onPersisted: (sequence) => {
      persisted.push(sequence);
      if (sequence === 2) written.resolve();
    },
    mayGrow: () => applier.settled(),
    room: new GiveWay(clock, { status: {} as never, transfer: () => {} }),
  });
  const MiB = 2 ** 20;
  const count = limits.groupUnappliedBytes / MiB;
  const many = Array.from({ length: count + 1 }, (_, i) => entry(i + 1, MiB));
  applier.add(many);
  const rest = { hardState: undefined, reset: undefined, thenSend: [] };
  persister.add({ ...rest, sequence: 2, entries: [entry(1)] });
  for (let i = 0; i < 50; i++) await Promise.resolve();
  // So much waits to be applied that nothing more is written.
  expect([persisted, log.last.index]).toEqual([[], 0]);
  state.open();
  await written.promise;
  expect(log.last.index).toBe(1);
  await applier.idle();
  await applier.settled();
  expect(machine.applied).toBe(many.length);
  await persister.stop();
  await log[Symbol.asyncDispose]();
});
