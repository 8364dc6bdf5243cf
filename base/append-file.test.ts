import { beforeEach, describe, expect, test } from "vitest";
import { AppendFile, type AppendFileState, SYNC_INTERVAL_MS } from "./append-file.ts";
import { SimulatedClock } from "./clock-simulated.ts";
import { SimulatedDisk } from "./disk-simulated.ts";
import { hasCode } from "./errors.ts";
import { MARK_IDLE_MS } from "./idle-mark.ts";
import { seededRandom } from "./random.ts";

const PATH = "/d/file";
let disk: SimulatedDisk;
let clock: SimulatedClock;

beforeEach(() => {
  disk = new SimulatedDisk();
  clock = new SimulatedClock();
  disk.plant(PATH, Buffer.alloc(0));
});

async function openFile(more: Partial<AppendFileState> = {}): Promise<AppendFile> {
  const file = await disk.open(PATH, "write");
  return new AppendFile({
    file,
    clock,
    durability: "commit",
    tailBytes: 0,
    syncedBytes: 0,
    extendBytes: 4096,
    ...more,
  });
}

const put = (file: AppendFile, text: string) => file.append(text.length, () => [Buffer.from(text)]);
const stored = () => disk.contentOf(PATH).toString().replace(/\0+$/, "");
/** Lets everything that needs no timer happen. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("groups", () => {
  test("appends of one tick share a write and a sync, those that come meanwhile the next", async () => {
    await using file = await openFile();
    const before = disk.operations;
    const first = [put(file, "aa"), put(file, "bb"), put(file, "cc")];
    const second = first[0]?.then(() => Promise.all([put(file, "dd"), put(file, "ee")]));
    expect(await Promise.all(first)).toEqual([0, 2, 4]);
    expect(await second).toEqual([6, 8]);
    expect(disk.operations - before).toBe(4);
    expect(stored()).toBe("aabbccddee");
    expect(file.syncedBytes).toBe(10);
  });

  test("a record learns where it stands and how far the file is synced", async () => {
    await using file = await openFile();
    const seen: number[][] = [];
    const note = (offset: number, synced: number) => {
      seen.push([offset, synced]);
      return [Buffer.from("12345678")];
    };
    await Promise.all([file.append(8, note), file.append(8, note)]);
    await file.append(8, note);
    expect(seen).toEqual([
      [0, 0],
      [8, 0],
      [16, 16],
    ]);
  });

  test("acknowledged appends survive the power cut", async () => {
    const file = await openFile();
    await put(file, "safe");
    disk.crash(seededRandom(1));
    expect(stored()).toBe("safe");
  });

  test("so does the mark before an append, which was not synced by itself", async () => {
    for (let seed = 1; seed <= 32; seed++) {
      disk.plant(PATH, Buffer.alloc(0));
      const mark = { lengthBytes: 4, build: () => [Buffer.from("MARK")] };
      const file = await openFile({ mark });
      for (const text of ["one", "two"]) await put(file, text);
      for (let i = 0; i < 3; i++) {
        clock.advance(MARK_IDLE_MS);
        await settle();
      }
      expect(stored()).toBe("onetwoMARK");
      for (const text of ["three", "four"]) await put(file, text);
      disk.crash(seededRandom(seed));
      expect(stored()).toBe("onetwoMARKthreefour");
    }
  });

  test("zeros that are written ahead stay in the cache, a long group need not", async () => {
    const real = await disk.open(PATH, "write");
    const touchedSoon: (boolean | undefined)[] = [];
    const write: typeof real.write = (parts, offset, soon) => {
      touchedSoon.push(soon);
      return real.write(parts, offset, soon);
    };
    await using file = await openFile({ file: { ...real, write } });
    await put(file, "a");
    await put(file, "b".repeat(8192));
    expect(touchedSoon).toEqual([true, false]);
  });

  test("zeros are written ahead, and later appends overwrite them", async () => {
    await using file = await openFile();
    await put(file, "a");
    expect(disk.contentOf(PATH).length).toBe(1 + 4096);
    await put(file, "b");
    expect(disk.contentOf(PATH).length).toBe(1 + 4096);
    expect(stored()).toBe("ab");
  });
});

describe("durability", () => {
  test("interval answers when written and syncs soon after", async () => {
    await using file = await openFile({ durability: "interval" });
    await put(file, "a");
    expect(file.syncedBytes).toBe(0);
    clock.advance(SYNC_INTERVAL_MS);
    await settle();
    expect(file.syncedBytes).toBe(1);
  });

  test("none never syncs by itself, flush does", async () => {
    await using file = await openFile({ durability: "none" });
    await put(file, "a");
    clock.advance(10 * SYNC_INTERVAL_MS);
    await settle();
    expect(file.syncedBytes).toBe(0);
    await file.flush();
    expect(file.syncedBytes).toBe(1);
  });
});

describe("marks", () => {
  const mark = {
    lengthBytes: 4,
    build: (_: number, synced: number) => [Buffer.from(`<${String(synced).padStart(2, "0")}>`)],
  };

  test("one is written when the file falls idle, and no second", async () => {
    const file = await openFile({ mark });
    await put(file, "aaaa");
    await settle();
    expect(stored()).toBe("aaaa");
    clock.advance(MARK_IDLE_MS);
    await settle();
    expect(stored()).toBe("aaaa<04>");
    expect(file.tailBytes).toBe(8);
    clock.advance(10 * MARK_IDLE_MS);
    await settle();
    await file.close();
    expect(stored()).toBe("aaaa<04>");
  });

  test("close writes the one that is due", async () => {
    const file = await openFile({ mark });
    await put(file, "aaaa");
    await file.close();
    expect(stored()).toBe("aaaa<04>");
  });

  test.each(["none", "interval", "commit"] as const)(
    "in mode %s close writes one, however slowly",
    async (durability) => {
      const plain = await disk.open(PATH, "write");
      const slow = Promise.withResolvers<void>();
      let writes = 0;
      const held: typeof plain = Object.assign(Object.create(plain), {
        write: async (parts: readonly Uint8Array[], at: number) => {
          if (++writes > 1) await slow.promise;
          await plain.write(parts, at);
        },
      });
      const file = await openFile({ file: held, durability, mark });
      await put(file, "abc");
      const closing = file.close();
      await settle();
      clock.advance(4 * MARK_IDLE_MS);
      await settle();
      slow.resolve();
      await closing;
      expect(stored().length).toBe(file.tailBytes);
      expect(writes).toBe(2);
    },
  );

  test("appends that arrive while it is written stand behind it", async () => {
    await using file = await openFile({ mark });
    await put(file, "aaaa");
    clock.advance(MARK_IDLE_MS);
    expect(await put(file, "b")).toBe(8);
    expect(stored()).toBe("aaaa<04>b");
  });
});

describe("failures", () => {
  test("a failed sync is final and is told once", async () => {
    const told: unknown[] = [];
    const file = await openFile({ onFailure: (failure) => told.push(failure) });
    disk.failSync(() => true);
    const both = await Promise.allSettled([put(file, "a"), put(file, "b")]);
    disk.failSync(undefined);
    both.push(...(await Promise.allSettled([put(file, "c")])));
    for (const one of both)
      expect(one.status === "rejected" && hasCode(one.reason, "DiskFailed")).toBe(true);
    expect(told).toHaveLength(1);
    await expect(file.flush()).rejects.toSatisfy((error) => hasCode(error, "DiskFailed"));
    await file.close();
  });

  test("a failed sync of flush is final too", async () => {
    const file = await openFile({ durability: "none" });
    await put(file, "a");
    disk.failSync(() => true);
    await expect(file.flush()).rejects.toSatisfy((error) => hasCode(error, "DiskFailed"));
    disk.failSync(undefined);
    await expect(put(file, "b")).rejects.toSatisfy((error) => hasCode(error, "DiskFailed"));
    await file.close();
  });

  test("of two syncs at once both fail when one does", async () => {
    const plain = await disk.open(PATH, "write");
    const slow = Promise.withResolvers<void>();
    let syncs = 0;
    let failures = 0;
    disk.failSync(() => failures++ === 0);
    const held: typeof plain = Object.assign(Object.create(plain), {
      write: plain.write.bind(plain),
      close: plain.close.bind(plain),
      // The system tells one of those who ask that bytes are lost, and the others that all is well.
      sync: async () => {
        const isFirst = syncs++ === 0;
        const [end] = await Promise.allSettled([plain.sync()]);
        if (isFirst) await slow.promise;
        if (end.status === "rejected") throw end.reason;
      },
    });
    const file = await openFile({ file: held, durability: "interval" });
    await put(file, "a");
    clock.advance(SYNC_INTERVAL_MS);
    const flushed = Promise.allSettled([file.flush()]);
    await settle();
    slow.resolve();
    const [end] = await flushed;
    expect(end.status === "rejected" && hasCode(end.reason, "DiskFailed")).toBe(true);
    expect(file.syncedBytes).toBe(0);
    await file.close();
  });

  test("a full disk refuses this group only, and leaves nothing of it", async () => {
    await using file = await openFile({ extendBytes: 0 });
    await put(file, "good");
    disk.leaveFree(6);
    const both = await Promise.allSettled([put(file, "1234"), put(file, "5678")]);
    for (const one of both)
      expect(one.status === "rejected" && hasCode(one.reason, "DiskFull")).toBe(true);
    expect(disk.contentOf(PATH).toString()).toBe("good");
    expect(file.tailBytes).toBe(4);
    expect(await put(file, "fits")).toBe(4);
    expect(disk.contentOf(PATH).toString()).toBe("goodfits");
  });

  test("what comes while the file is being closed is refused, and does no harm", async () => {
    for (let steps = 0; steps < 20; steps++) {
      disk.plant(PATH, Buffer.alloc(0));
      const mark = { lengthBytes: 4, build: () => [Buffer.from("mark")] };
      const file = await openFile({ mark });
      await put(file, "a");
      const closing = file.close();
      for (let step = 0; step < steps; step++) await Promise.resolve();
      const late = await Promise.allSettled([put(file, "late")]);
      await closing;
      expect(late[0].status === "rejected" && hasCode(late[0].reason, "Closed")).toBe(true);
      expect(stored()).toBe("amark");
    }
  });

  test("after close appends are refused", async () => {
    const file = await openFile();
    await file.close();
    await expect(put(file, "a")).rejects.toSatisfy((error) => hasCode(error, "Closed"));
  });
});
