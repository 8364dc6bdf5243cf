import { describe, expect, test } from "vitest";
import { type Clock, sleep, systemClock } from "../../base/clock.ts";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import type { Disk } from "../../base/disk.ts";
import { SimulatedDisk } from "../../base/disk-simulated.ts";
import { hasCode } from "../../base/errors.ts";
import { MARK_IDLE_MS } from "../../base/idle-mark.ts";
import type { LogIndex, Term } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import type { Entry } from "../../raft/entry.ts";
import { Log, type LogOptions, type Place } from "./log.ts";

const DIRECTORY = "/ns/log";
const quietClock: Clock = {
  nowMs: () => 5,
  monotonicMs: () => 0,
  after: () => ({ cancel: () => undefined }),
};

function options(disk: SimulatedDisk, more: Partial<LogOptions> = {}): LogOptions {
  return {
    disk,
    clock: quietClock,
    random: seededRandom(3),
    directory: DIRECTORY,
    durability: "commit",
    segmentBytes: 1000,
    ...more,
  };
}

const entryOf = (index: number, text: string | Buffer, term = 1): Entry => ({
  index: index as LogIndex,
  term: term as Term,
  timeMs: 5,
  kind: "command",
  session: 0,
  sequence: 0,
  data: Buffer.from(text),
});

/** Appends as one that counts by itself. */
class Writer implements AsyncDisposable {
  readonly log: Log;
  #next: number;
  constructor(log: Log) {
    this.log = log;
    this.#next = log.last.index + 1;
  }
  async append(data: Buffer): Promise<{ index: number }> {
    const index = this.#next++;
    try {
      await this.log.append([entryOf(index, data)]);
    } catch (error) {
      this.#next = this.log.last.index + 1;
      throw error;
    }
    return { index };
  }
  cut(index: LogIndex): Promise<void> {
    return this.log.cut(index);
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.log[Symbol.asyncDispose]();
  }
}

const place = (index: number, term = 1): Place => ({
  index: index as LogIndex,
  term: term as Term,
  timeMs: 5,
});

/** What the log holds above `after`. */
async function contents(disk: SimulatedDisk, after = 0, more: Partial<LogOptions> = {}) {
  const { log, entries } = await Log.open(options(disk, more), place(after));
  const found = new Map<number, string>();
  for (const { index, data } of entries)
    if (index > after) found.set(index, Buffer.from(data).toString());
  return { log: new Writer(log), found };
}

/** The state is durable up to here: the log may be cut below. */
const CUT = 12;
const payloads = Array.from({ length: 30 }, (_, i) => `payload ${i} ${"x".repeat(i * 3)}`);

/** In log order, what the state does not hold. */
const above = (acknowledged: Map<number, string>, after = CUT) =>
  [...acknowledged].filter(([index]) => index > after).sort(([a], [b]) => a - b);

/** Appends in waves of some at once; gives what was acknowledged, by index. */
async function write(disk: SimulatedDisk, acknowledged: Map<number, string>): Promise<void> {
  const { log } = await contents(disk);
  for (let i = 0; i < payloads.length; i += 3) {
    await Promise.all(
      payloads.slice(i, i + 3).map(async (payload) => {
        const { index } = await log.append(Buffer.from(payload));
        acknowledged.set(index, payload);
      }),
    );
    if (i === 18) await log.cut(CUT as LogIndex);
  }
  await log[Symbol.asyncDispose]();
}

describe("log", () => {
  test("gives back what was written, over segments and restarts", async () => {
    const disk = new SimulatedDisk();
    const acknowledged = new Map<number, string>();
    await write(disk, acknowledged);
    expect(disk.paths().filter((path) => path.endsWith(".qlog")).length).toBeGreaterThan(2);
    const { log, found } = await contents(disk, CUT);
    expect([...found]).toEqual(above(acknowledged));
    expect(await log.append(Buffer.from("more"))).toEqual({ index: 31 });
  });

  test("a power cut at any operation loses nothing that was acknowledged", async () => {
    const whole = new SimulatedDisk();
    await write(whole, new Map());
    for (let cut = 1; cut <= whole.operations; cut++)
      for (const seed of [cut, cut + 1000, cut + 2000]) {
        const disk = new SimulatedDisk();
        const acknowledged = new Map<number, string>();
        disk.crashAt(cut);
        // A cut in the closing mark harms nobody, so this may end well.
        await write(disk, acknowledged).catch(() => undefined);
        expect(disk.crashed).toBe(true);
        disk.crash(seededRandom(seed));
        const after = Math.min(CUT, acknowledged.size);
        const { log, found } = await contents(disk, after);
        for (const [index, payload] of above(acknowledged, after))
          expect(found.get(index)).toBe(payload);
        for (const payload of found.values()) expect(payloads).toContain(payload);
        // It carries on, and what it says then survives as well.
        const { index } = await log.append(Buffer.from("after"));
        expect(index).toBe(Math.max(after, ...found.keys()) + 1);
        disk.kill();
        const again = await contents(disk, after);
        expect(again.found.get(index)).toBe("after");
      }
  });

  test("a flipped bit anywhere in a segment is found and named, or changes nothing", async () => {
    const pristine = new SimulatedDisk();
    const acknowledged = new Map<number, string>();
    await write(pristine, acknowledged);
    const kept = pristine.paths().filter((path) => path.endsWith(".qlog"));
    let found = 0;
    for (const path of kept)
      for (let offset = 0; offset < pristine.contentOf(path).length && offset < 1200; offset++) {
        const disk = new SimulatedDisk();
        for (const one of pristine.paths()) disk.plant(one, pristine.contentOf(one));
        disk.flip(path, offset, 1 << (offset % 8));
        try {
          const read = await contents(disk, CUT);
          expect([...read.found]).toEqual(above(acknowledged));
          await read.log[Symbol.asyncDispose]();
        } catch (error) {
          if (!hasCode(error, "Damaged")) throw error;
          expect(error.message).toContain(path);
          found++;
        }
      }
    expect(found).toBeGreaterThan(1000);
  });

  test("a mark written when idle covers the last entry", async () => {
    const disk = new SimulatedDisk();
    const { log } = await contents(disk, 0, { clock: systemClock });
    await log.append(Buffer.from("precious"));
    await sleep(systemClock, MARK_IDLE_MS * 20);
    disk.kill(); // no clean end
    const [path] = disk.paths().filter((one) => one.endsWith(".qlog"));
    const at = disk.contentOf(path ?? "").indexOf("precious");
    disk.flip(path ?? "", at);
    await expect(contents(disk)).rejects.toThrow(/damaged at byte 64/);
  });

  test("a missing segment, or a log behind the state, is damage", async () => {
    const disk = new SimulatedDisk();
    await write(disk, new Map());
    const segments = disk.paths().filter((path) => path.endsWith(".qlog"));
    await expect(contents(disk, 31)).rejects.toThrow(/the state knows entry 31/);
    await expect(contents(disk, 0)).rejects.toThrow(/missing/);
    await disk.remove(segments[1] ?? "");
    await expect(contents(disk, CUT)).rejects.toThrow(/missing/);
  });

  test("without syncs, the log may lose its end, and goes on behind the state", async () => {
    const disk = new SimulatedDisk();
    const mode = { durability: "none" } as const;
    const { log } = await contents(disk, 0, mode);
    for (const payload of payloads) await log.append(Buffer.from(payload));
    disk.crash(seededRandom(5));
    const left = await contents(disk, 40, mode);
    expect((await left.log.append(Buffer.from("next"))).index).toBe(41);
    await left.log[Symbol.asyncDispose]();
    expect([...(await contents(disk, 40, mode)).found]).toEqual([[41, "next"]]);
    await expect(contents(disk, 20, mode)).rejects.toThrow(/missing/);
  });

  test("a new segment that could not be opened is the next one all the same", async () => {
    const disk = new SimulatedDisk();
    let refuse = false;
    const open: Disk["open"] = (path, mode) =>
      refuse && mode === "write"
        ? Promise.reject(new Error("EMFILE: too many open files"))
        : disk.open(path, mode);
    const full = new Proxy(disk, {
      get: (target, name) => {
        if (name === "open") return open;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const { log } = await contents(full);
    await log.append(Buffer.alloc(600));
    refuse = true;
    await expect(log.append(Buffer.alloc(600))).rejects.toThrow(/EMFILE/);
    refuse = false;
    await log.append(Buffer.from("it would have fitted the old segment"));
    disk.kill();
    expect((await contents(disk)).found.size).toBe(2);
  });

  test("entries after a failed sync and a restart survive a power cut", async () => {
    for (let fate = 0; fate < 20; fate++) {
      const disk = new SimulatedDisk();
      const { log } = await contents(disk);
      await log.append(Buffer.from("one"));
      disk.failSync(() => true);
      await expect(log.append(Buffer.from("two"))).rejects.toMatchObject({ code: "DiskFailed" });
      disk.failSync(undefined);
      disk.kill();
      const again = await contents(disk);
      await again.log.append(Buffer.from("three"));
      const all = [...again.found.values(), "three"];
      disk.crash(seededRandom(fate));
      expect([...(await contents(disk)).found.values()]).toEqual(all);
    }
  });

  test("a full disk refuses entries and goes on when there is room again", async () => {
    const disk = new SimulatedDisk();
    const { log } = await contents(disk, 0, { segmentBytes: 10_000_000 });
    const first = await log.append(Buffer.alloc(300_000, "a"));
    disk.leaveFree(0);
    const refused = [300_000, 10].map((bytes) => log.append(Buffer.alloc(bytes, "b")));
    for (const one of refused) await expect(one).rejects.toMatchObject({ code: "DiskFull" });
    disk.leaveFree(1e9);
    const second = await log.append(Buffer.from("c"));
    expect(second.index).toBe(first.index + 1);
    await log[Symbol.asyncDispose]();
    const { found } = await contents(disk, 1, { segmentBytes: 10_000_000 });
    expect([...found]).toEqual([[2, "c"]]);
  });

  test("entries that find no room leave those whose place they were to take", async () => {
    const disk = new SimulatedDisk();
    const clock = new SimulatedClock();
    const failures: unknown[] = [];
    const onFailure = (failure: unknown) => failures.push(failure);
    const more = { segmentBytes: 10_000_000, clock, onFailure };
    const { log } = await Log.open(options(disk, more), place(0));
    await log.append(["a", "b", "c", "d"].map((text, i) => entryOf(i + 1, text)));
    disk.leaveFree(0);
    const others = [entryOf(2, Buffer.alloc(3_000_000, "B"), 2)];
    await expect(log.append(others)).rejects.toMatchObject({ code: "DiskFull" });
    // Some room, for the mark that stands behind the last of them.
    disk.leaveFree(1000);
    clock.advance(2 * MARK_IDLE_MS);
    await log.flush();
    expect(failures).toEqual([]);
    disk.leaveFree(1e9);
    await log.append(others);
    await log.append([entryOf(3, "C", 2)]);
    await log[Symbol.asyncDispose]();
    const { found } = await contents(disk, 0, more);
    expect([...found.keys()]).toEqual([1, 2, 3]);
    expect(found.get(3)).toBe("C");
  });

  test("entries take the place of others, over segments and restarts, at any power cut", async () => {
    const scenario = async (disk: SimulatedDisk, durable: Map<number, string>) => {
      const { log } = await Log.open(options(disk, { segmentBytes: 400 }), place(0));
      const append = async (first: number, term: number, texts: readonly string[]) => {
        for (const index of durable.keys()) if (index >= first) durable.delete(index);
        await log.append(texts.map((text, i) => entryOf(first + i, text, term)));
        texts.forEach((text, i) => {
          durable.set(first + i, text);
        });
      };
      await append(1, 1, ["a", "b", "c"]);
      await append(4, 1, ["d", "e", "f", "g"]);
      await append(8, 1, ["h"]);
      await append(3, 2, ["C", "D"]);
      await append(5, 2, ["E", "F", "G", "H", "I", "J"]);
      await append(5, 3, ["5"]);
      await append(6, 3, ["6", "7"]);
      await log[Symbol.asyncDispose]();
    };
    const read = async (disk: SimulatedDisk) => {
      const { log, entries } = await Log.open(options(disk), place(0));
      await log[Symbol.asyncDispose]();
      expect(entries.map(({ index }) => index)).toEqual(entries.map((_, i) => i + 1));
      return entries.map(({ data }) => Buffer.from(data).toString());
    };
    const whole = new SimulatedDisk();
    const all = new Map<number, string>();
    await scenario(whole, all);
    expect(await read(whole)).toEqual(["a", "b", "C", "D", "5", "6", "7"]);
    for (let cut = 1; cut <= whole.operations; cut++) {
      const disk = new SimulatedDisk();
      const durable = new Map<number, string>();
      disk.crashAt(cut);
      await scenario(disk, durable).catch(() => undefined);
      disk.crash(seededRandom(cut));
      const found = await read(disk);
      for (const [index, text] of durable) expect(found[index - 1]).toBe(text);
    }
  });

  test("begins anew behind an installed state, at any power cut", async () => {
    const scenario = async (disk: SimulatedDisk) => {
      const { log } = await Log.open(options(disk, { segmentBytes: 300 }), place(0));
      for (let i = 1; i <= 9; i++) await log.append([entryOf(i, `old ${i}`)]);
      await log.reset(place(6, 2));
      await log.append([entryOf(7, "new 7", 2)]);
      await log[Symbol.asyncDispose]();
    };
    const whole = new SimulatedDisk();
    await scenario(whole);
    for (let cut = 1; cut <= whole.operations; cut++) {
      const disk = new SimulatedDisk();
      disk.crashAt(cut);
      await scenario(disk).catch(() => undefined);
      disk.crash(seededRandom(cut));
      const { log, base, entries } = await Log.open(options(disk), place(0)).catch(() =>
        Log.open(options(disk), place(6, 2)),
      );
      await log[Symbol.asyncDispose]();
      const texts = entries.map(({ data }) => Buffer.from(data).toString());
      const old = texts.every((text, i) => text === `old ${i + 1}`) && base.index === 0;
      expect(old || (base.index === 6 && base.term === 2 && texts.length <= 1)).toBe(true);
      if (!old && texts.length === 1) expect(texts).toEqual(["new 7"]);
    }
  });

  test("a log that begins anew far ahead leaves no mark behind entries it does not know", async () => {
    const failures: unknown[] = [];
    const onFailure = (failure: unknown) => failures.push(failure);
    const { log } = await Log.open(options(new SimulatedDisk(), { onFailure }), place(0));
    await log.append([entryOf(1, "old 1")]);
    await log.reset(place(6, 2));
    await log.append([entryOf(7, "new 7", 2)]);
    await log[Symbol.asyncDispose]();
    expect(failures).toEqual([]);
  });

  test("entries replaced across a segment's beginning outlive the segment before", async () => {
    const disk = new SimulatedDisk();
    const { log } = await Log.open(options(disk, { segmentBytes: 300 }), place(0));
    await log.append([entryOf(1, "x".repeat(60))]);
    await log.append([entryOf(2, "x".repeat(60))]);
    await log.append([entryOf(2, "y".repeat(60), 2), entryOf(3, "y", 2)]);
    await log.cut(2 as LogIndex);
    await log[Symbol.asyncDispose]();
    const opened = await Log.open(options(disk), place(2, 2));
    expect(opened.entries.at(-1)?.index).toBe(3);
    await opened.log[Symbol.asyncDispose]();
  });
});
