/** The judge of the loads is judged: a store that is right passes, and each kind of wrong is found. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { Dice } from "../../raft/testing/dice.ts";
import { GroupLoad, type LoadCounts } from "./group-load.ts";
import type { Outcome, Registers, Write } from "./registers.ts";

const ROUNDS = 5;

class MemoryRegisters implements Registers {
  readonly held = new Map<string, string>();
  readonly before = new Map<string, string | null>();
  readonly dice = new Dice(7);

  async prepare(): Promise<void> {}

  async write(key: string, request: Write): Promise<Outcome> {
    await sleep(this.dice.between(0, 2));
    const held = this.held.get(key) ?? null;
    this.before.set(key, held);
    if (request.type === "delete") this.held.delete(key);
    else if (request.match === undefined) this.held.set(key, request.etag);
    else if ((request.match === "none" ? null : request.match) !== held) return { type: "refused" };
    else this.held.set(key, request.etag);
    await sleep(this.dice.between(0, 2));
    return this.dice.chance(0.02) ? "open" : { type: "done" };
  }

  async read(key: string): Promise<string | null> {
    await sleep(this.dice.between(0, 2));
    return this.held.get(key) ?? null;
  }

  async list(prefix: string): Promise<ReadonlyMap<string, string>> {
    await sleep(1);
    return new Map([...this.held].filter(([key]) => key.startsWith(prefix)));
  }
}

async function judged(registers: Registers): Promise<LoadCounts> {
  const load = await GroupLoad.begin({ clients: [registers], seed: 1, writers: 2, meeting: 4 });
  await sleep(700);
  await load.finish();
  return load.counts();
}

test("a store that does what it is told has no violations", async () => {
  const counts = await judged(new MemoryRegisters());
  expect(counts).toMatchObject({ lost: 0, wrong: 0, violations: 0, undecided: 0, complaints: [] });
  expect(counts.judged.operations).toBeGreaterThan(50);
  expect(counts.unknown).toBeGreaterThan(0);
});

describe("a store is found out", () => {
  class Stale extends MemoryRegisters {
    override async read(key: string): Promise<string | null> {
      return this.dice.chance(0.1) ? (this.before.get(key) ?? null) : await super.read(key);
    }
  }

  class Forgetful extends MemoryRegisters {
    override async write(key: string, request: Write): Promise<Outcome> {
      const told = await super.write(key, request);
      if (this.dice.chance(0.1)) this.held.delete(key);
      return told;
    }
  }

  class Careless extends MemoryRegisters {
    override async write(key: string, request: Write): Promise<Outcome> {
      if (request.type === "delete") return await super.write(key, request);
      return await super.write(key, { type: "put", etag: request.etag });
    }
  }

  class BlindLists extends MemoryRegisters {
    override async list(prefix: string): Promise<ReadonlyMap<string, string>> {
      return new Map([...(await super.list(prefix))].slice(1));
    }
  }

  test.each([
    ["whose reads are stale", Stale, "wrong"],
    ["that loses what it acknowledged", Forgetful, "lost"],
    ["that does not heed conditions", Careless, "wrong"],
    ["whose listings lack keys", BlindLists, "wrong"],
  ] as const)("%s", async (_what, Wrong, found) => {
    let counts = await judged(new Wrong());
    // How many requests meet in so short a time is up to the machine.
    for (let round = 1; counts[found] === 0 && round < ROUNDS; round++)
      counts = await judged(new Wrong());
    expect(counts.violations).toBeGreaterThan(0);
    expect(counts[found]).toBeGreaterThan(0);
  });
});
