/** The life of a member, with processes that only pretend. */
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import { limits } from "../../base/limits.ts";
import { exitCodes } from "../exit-code.ts";
import type { ClusterEvent } from "./events.ts";
import { pidFileOf } from "./folder.ts";
import { Member } from "./member.ts";
import type { Ending, Role } from "./role-process.ts";

class Pretended implements Role {
  readonly pid: number;
  isReady = false;
  readonly signals: string[] = [];
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<Ending>();

  constructor(pid: number) {
    this.pid = pid;
  }

  get ready() {
    return this.#ready.promise;
  }

  get ended() {
    return this.#ended.promise;
  }

  signal(signal: string): void {
    this.signals.push(signal);
    if (signal === "SIGTERM") this.die(0);
  }

  async end(): Promise<Ending> {
    this.#ended.resolve({ code: null, signal: "SIGKILL" });
    return await this.ended;
  }

  takePart(): void {
    this.isReady = true;
    this.#ready.resolve();
  }

  die(code: number): void {
    this.#ended.resolve({ code, signal: null });
  }
}

let directory: string;
let clock: SimulatedClock;
let events: ClusterEvent[];
let processes: Pretended[];
let member: Member;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quarry-member-"));
  clock = new SimulatedClock();
  events = [];
  processes = [];
  member = new Member({
    ...{ name: "ds1", directory, clock, environment: {}, words: () => [], begun: () => undefined },
    tell: (event) => events.push(event),
    launch: () => {
      const launched = new Pretended(1_000 + processes.length);
      processes.push(launched);
      return launched;
    },
  });
  member.start();
});
afterEach(async () => await rm(directory, { recursive: true }));

const now = () => processes.at(-1)!;
const settled = () => new Promise((soon) => setImmediate(soon));

async function dies(code = 1): Promise<void> {
  now().die(code);
  await settled();
}

async function ready(): Promise<void> {
  now().takePart();
  await settled();
}

const pauses = () =>
  events.flatMap((event) => (event.event === "restarting" ? [event.afterMs] : []));

test("one that ends by itself is started again after longer and longer pauses, and then no more", async () => {
  for (let n = 1; n < limits.memberEnds; n++) {
    await dies();
    expect(member.state).toBe("restarting");
    const [afterMs = 0] = pauses().slice(-1);
    clock.advance(afterMs - 1);
    expect(processes).toHaveLength(n);
    clock.advance(1);
    expect(processes).toHaveLength(n + 1);
  }
  await dies();
  expect(member.state).toBe("failed");
  expect(pauses().slice(0, 6)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000]);
  expect(events.at(-1)).toMatchObject({ event: "leftAlone", member: "ds1" });
  expect(clock.waiting).toBe(0);
  member.start();
  expect(member.state).toBe("starting");
});

test("one that ran for long begins anew", async () => {
  for (let n = 0; n < 3; n++) {
    await dies();
    clock.advance(limits.memberLongestPauseMs);
  }
  await ready();
  clock.advance(limits.memberSteadyMs + 1);
  await dies();
  expect(pauses()).toEqual([1_000, 2_000, 4_000, 1_000]);
});

test("who is killed or stopped by order stays away, also before it would be started again", async () => {
  await ready();
  await member.kill();
  expect([member.state, member.pid]).toEqual(["killed", 0]);
  expect(() => member.pause()).toThrow(/it is killed/);
  member.start();
  await member.stop();
  expect(member.state).toBe("stopped");
  member.start();
  await dies();
  await member.kill();
  clock.advance(limits.memberLongestPauseMs);
  expect([member.state, processes.length]).toEqual(["killed", 3]);
});

test("a paused one goes on where it was, and is stopped like any other", async () => {
  member.pause();
  expect([member.state, now().signals]).toEqual(["paused", ["SIGSTOP"]]);
  expect(() => member.pause()).toThrow(/it is paused/);
  member.resume();
  expect(member.state).toBe("starting");
  await ready();
  member.pause();
  member.resume();
  expect(member.state).toBe("ready");
  expect(() => member.resume()).toThrow(/not paused/);
  member.pause();
  expect(await member.stop()).toBe(true);
  expect(now().signals.slice(-2)).toEqual(["SIGCONT", "SIGTERM"]);
});

test("a nameserver that its group took out is not started again", async () => {
  await dies(exitCodes.removed);
  expect(member.state).toBe("removed");
  expect(clock.waiting).toBe(0);
});

test("its process is noted while it runs", async () => {
  const note = pidFileOf(directory, "ds1");
  expect(await readFile(note, "utf8")).toBe("1000\n");
  await member.kill();
  expect(existsSync(note)).toBe(false);
  member.start();
  expect(await readFile(note, "utf8")).toBe("1001\n");
  expect(() => member.start()).toThrow(/runs already/);
});
