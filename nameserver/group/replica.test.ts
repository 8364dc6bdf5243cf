import { describe, expect, test } from "vitest";
import type { Clock } from "../../base/clock.ts";
import { SimulatedDisk } from "../../base/disk-simulated.ts";
import { QuarryError } from "../../base/errors.ts";
import type { LogIndex, Term } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import { audit } from "../../test/metadata/audit.ts";
import { RandomCommands } from "../../test/metadata/random-commands.ts";
import { type AnyCommand, decodeCommand, encodeCommand } from "../command.ts";
import { Log } from "../log/log.ts";
import { StateFolder } from "../state-folder.ts";
import { StateMachine } from "../state-machine.ts";
import { MemoryState } from "../state-memory.ts";
import { Replica } from "./replica.ts";

function testClock(): Clock {
  let now = 1_000_000;
  return {
    nowMs: () => (now += 60_000),
    monotonicMs: () => 0,
    after: () => ({ cancel: () => undefined }),
  };
}

async function open(
  disk: SimulatedDisk,
  store: MemoryState,
  checkpointBytes = 6_000,
): Promise<Replica> {
  return await Replica.open({
    disk,
    store: await StateFolder.open(disk, "/ns/state", async () => store, false),
    clock: testClock(),
    random: seededRandom(1),
    directory: "/ns",
    durability: "commit",
    segmentBytes: 8_000,
    checkpointBytes,
    report: () => undefined,
  });
}

/** Commands, several at once; `acknowledged` holds those that were answered, done or refused. */
async function work(group: Replica, seed: number, acknowledged: AnyCommand[]): Promise<void> {
  const commands = new RandomCommands(seededRandom(seed));
  const propose = async (command: AnyCommand) => {
    try {
      commands.saw(command, await group.propose(command));
    } catch (error) {
      if (!(error instanceof QuarryError) || error.code === "DiskFailed") throw error;
    }
    acknowledged.push(command);
  };
  for (const command of RandomCommands.opening()) await propose(command);
  for (let i = 0; i < 40; i++) {
    await Promise.all(Array.from({ length: 4 }, () => propose(commands.next())));
    if (i % 10 === 9)
      for (const chore of await RandomCommands.chores(group.state as MemoryState))
        await propose(chore);
  }
}

/** Every entry of the log, read from the disk as it is. */
async function commandsOf(disk: SimulatedDisk, after: number): Promise<AnyCommand[]> {
  const { log, entries } = await Log.open(
    {
      disk,
      clock: testClock(),
      random: seededRandom(1),
      directory: "/ns/log",
      durability: "commit",
    },
    { index: after as LogIndex, term: 0 as Term, timeMs: 0 },
  );
  await log[Symbol.asyncDispose]();
  return entries
    .filter(({ index, kind }) => index > after && kind === "command")
    .map(({ data }) => decodeCommand(data));
}

describe("group of one", () => {
  test.each([
    ["with checkpoints", 6_000],
    ["from the log alone", Number.POSITIVE_INFINITY],
  ])("a power cut keeps every acknowledged command, whole: %s", async (_, checkpointBytes) => {
    const whole = new SimulatedDisk();
    {
      await using group = await open(whole, new MemoryState(), checkpointBytes);
      await work(group, 11, []);
    }
    let replayed = 0;
    const step = 1 + Math.floor(whole.operations / 60);
    for (let cut = 2; cut <= whole.operations; cut += step) {
      const disk = new SimulatedDisk();
      const store = new MemoryState();
      const acknowledged: AnyCommand[] = [];
      disk.crashAt(cut);
      await open(disk, store, checkpointBytes)
        .then(async (group) => {
          await work(group, 11, acknowledged);
          await group[Symbol.asyncDispose]();
        })
        .catch(() => undefined);
      expect(disk.crashed).toBe(true);
      disk.crash(seededRandom(cut));
      const left = store.crashed();
      const behind = new StateMachine(left);
      const commands = await commandsOf(disk, behind.applied);
      const group = await open(disk, left);
      replayed += commands.length;
      expect(group.applied).toBeGreaterThanOrEqual(acknowledged.length);
      if (behind.applied === 0) {
        const bytes = (command: AnyCommand) => encodeCommand(command).toString("hex");
        const logged = new Set(commands.map(bytes));
        expect(acknowledged.filter((command) => !logged.has(bytes(command)))).toEqual([]);
      }
      await audit(left, group.digest);
    }
    expect(replayed).toBeGreaterThan(100);
  });

  test("a restart after a kill comes to the same state", async () => {
    for (const seed of [1, 2, 3]) {
      const disk = new SimulatedDisk();
      const store = new MemoryState();
      const group = await open(disk, store);
      await work(group, seed, []);
      const { applied, digest } = group;
      disk.kill();
      const left = store.crashed();
      const again = await open(disk, left);
      // One entry more: it opens the leader's next term.
      expect([again.applied, again.digest]).toEqual([applied + 1, digest]);
      await audit(left, digest);
    }
  });

  test("the log stays short, also when no life is long enough for a checkpoint", async () => {
    const disk = new SimulatedDisk();
    let store = new MemoryState();
    for (let life = 0; life < 200; life++) {
      const group = await open(disk, store);
      await group.propose({ type: "createBucket", bucket: `b${life}`, owner: "me" });
      await group.propose({ type: "deleteBucket", bucket: `b${life}` });
      await new Promise((resolve) => setImmediate(resolve));
      disk.kill();
      store = store.crashed();
    }
    expect(disk.paths().filter((path) => path.endsWith(".qlog")).length).toBeLessThan(4);
    expect(new StateMachine(store).applied).toBeGreaterThan(300);
  });

  test("a state that lost its place in a cut log is damage", async () => {
    const disk = new SimulatedDisk();
    {
      await using group = await open(disk, new MemoryState());
      await work(group, 4, []);
    }
    await expect(open(disk, new MemoryState())).rejects.toMatchObject({ code: "Damaged" });
  });

  test("what was proposed before the end is answered", async () => {
    const group = await open(new SimulatedDisk(), new MemoryState());
    const command = { type: "createBucket", bucket: "b", owner: "me" } as const;
    const answer = group.propose(command);
    await group[Symbol.asyncDispose]();
    expect(await answer).toMatchObject({ type: "bucket" });
  });

  test("a log that cannot be synced ends the group, and says so", async () => {
    const disk = new SimulatedDisk();
    await disk.makeDirectory("/ns/log");
    const group = await open(disk, new MemoryState());
    disk.failSync((path) => path.endsWith(".qlog"));
    const [opening] = RandomCommands.opening();
    await expect(group.propose(opening as AnyCommand)).rejects.toMatchObject({
      code: "DiskFailed",
    });
    expect((await group.failed).code).toBe("DiskFailed");
    await expect(group.readBarrier()).rejects.toMatchObject({ code: "DiskFailed" });
  });

  test("too large a command is refused, and nothing is accepted after the end", async () => {
    const group = await open(new SimulatedDisk(), new MemoryState());
    const command = (length: number): AnyCommand => ({
      type: "createBucket",
      bucket: "x".repeat(length),
      owner: "me",
    });
    await expect(group.propose(command(2 ** 21))).rejects.toMatchObject({ code: "TooLarge" });
    await group[Symbol.asyncDispose]();
    await expect(group.propose(command(3))).rejects.toMatchObject({ code: "Closed" });
  });
});
