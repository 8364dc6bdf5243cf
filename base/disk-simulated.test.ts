import { describe, expect, test } from "vitest";
import { replaceWhole } from "./disk.ts";
import { SimulatedCrash, SimulatedDisk } from "./disk-simulated.ts";
import { hasCode } from "./errors.ts";
import { seededRandom } from "./random.ts";

const seeds = Array.from({ length: 64 }, (_, i) => i + 1);

async function diskWith(path: string, content: string): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  await disk.makeDirectory("/d");
  disk.plant(path, Buffer.from(content));
  return disk;
}

describe("a crash", () => {
  test("keeps what was synced and any part of what was not", async () => {
    const seen = new Set<string>();
    for (const seed of seeds) {
      const disk = await diskWith("/d/a", "old");
      const file = await disk.open("/d/a", "write");
      await file.write([Buffer.from("SAFE")], 0);
      await file.sync();
      await file.write([Buffer.from("x")], 0);
      await file.write([Buffer.from("y")], 3);
      disk.crash(seededRandom(seed));
      seen.add(disk.contentOf("/d/a").toString());
      await expect(file.read(Buffer.alloc(1), 0)).rejects.toThrow(SimulatedCrash);
    }
    expect([...seen].sort()).toEqual(["SAFE", "SAFy", "xAFE", "xAFy"]);
  });

  test("keeps what was written through, and any part of what was written before it", async () => {
    const seen = new Set<string>();
    for (const seed of seeds) {
      const disk = await diskWith("/d/a", "....");
      const file = await disk.open("/d/a", "write");
      await file.write([Buffer.from("xx")], 0);
      await file.writeThrough([Buffer.from("S")], 1);
      disk.crash(seededRandom(seed));
      seen.add(disk.contentOf("/d/a").toString());
    }
    expect([...seen].sort()).toEqual([".S..", "xS.."]);
  });

  test("drops, keeps and tears single sectors of one write", async () => {
    const fates = new Set<string>();
    for (const seed of seeds) {
      const disk = await diskWith("/d/a", "");
      const file = await disk.open("/d/a", "write");
      await file.write([Buffer.alloc(2048)], 0);
      await file.sync();
      await file.write([Buffer.alloc(2048, 1)], 0);
      disk.crash(seededRandom(seed));
      const after = disk.contentOf("/d/a");
      const sectors = [0, 1, 2, 3].map((i) => {
        const kept = after.subarray(i * 512, (i + 1) * 512).filter((byte) => byte === 1).length;
        return kept === 0 ? "dropped" : kept === 512 ? "kept" : "torn";
      });
      for (const fate of sectors) fates.add(fate);
      fates.add(sectors.join());
    }
    expect(fates).toContain("dropped");
    expect(fates).toContain("kept");
    expect(fates).toContain("torn");
    expect(fates.size).toBeGreaterThan(15);
  });

  test("may lose a truncation and a growth of the file", async () => {
    const lengths = new Set<number>();
    for (const seed of seeds) {
      const disk = await diskWith("/d/a", "12345678");
      const file = await disk.open("/d/a", "write");
      await file.truncate(2);
      disk.crash(seededRandom(seed));
      lengths.add(disk.contentOf("/d/a").length);
    }
    expect([...lengths].sort()).toEqual([2, 8]);
  });

  test("keeps names only after their folder was synced", async () => {
    const seen = new Set<string>();
    for (const seed of seeds) {
      const disk = await diskWith("/d/a", "a");
      await (await disk.open("/d/safe", "create")).close();
      await disk.syncDirectory("/d");
      await (await disk.open("/d/new", "create")).close();
      await disk.remove("/d/a");
      await disk.rename("/d/new", "/d/b");
      disk.crash(seededRandom(seed));
      seen.add((await disk.list("/d")).join());
    }
    expect(seen).toContain("a,safe");
    expect(seen).toContain("b,safe");
    expect(seen).toContain("new,safe");
    for (const names of seen) expect(names).toContain("safe");
  });

  test("replaceWhole cut at every operation leaves the old or the new content", async () => {
    const seen = new Set<string>();
    for (let n = 1; ; n++) {
      let cut = true;
      for (const seed of seeds) {
        const disk = await diskWith("/d/a", "old");
        disk.crashAt(n);
        await replaceWhole(disk, "/d/a", Buffer.from("new")).then(
          () => {
            cut = false;
          },
          (error: unknown) => expect(error).toBeInstanceOf(SimulatedCrash),
        );
        disk.crash(seededRandom(seed));
        const content = disk.contentOf("/d/a").toString();
        if (cut) seen.add(content);
        else expect(content).toBe("new");
        expect(["old", "new"]).toContain(content);
      }
      if (!cut) break;
    }
    expect(seen.size).toBe(2);
  });
});

describe("faults", () => {
  test("after the cut every call throws until the restart", async () => {
    const disk = await diskWith("/d/a", "a");
    disk.crashAt(1);
    await expect(disk.remove("/d/a")).rejects.toThrow(SimulatedCrash);
    await expect(disk.open("/d/a", "read")).rejects.toThrow(SimulatedCrash);
    await expect(disk.list("/d")).rejects.toThrow(SimulatedCrash);
    expect(disk.operations).toBe(1);
  });

  test("what a failed sync should have saved never comes over what a later one saved", async () => {
    for (let seed = 0; seed < 40; seed++) {
      const disk = await diskWith("/d/a", "old");
      const file = await disk.open("/d/a", "write");
      disk.failSync((path) => path === "/d/a");
      await file.write([Buffer.alloc(2000, "x")], 0);
      await expect(file.sync()).rejects.toThrow();
      await file.truncate(100);
      await expect(file.sync()).rejects.toThrow();
      disk.failSync(undefined);
      await file.write([Buffer.from("newer")], 700);
      if (seed % 2 === 0) await file.sync();
      else await file.writeThrough([Buffer.from("newest")], 1500);
      disk.crash(seededRandom(seed));
      const content = disk.contentOf("/d/a").toString("latin1");
      if (seed % 2 === 0) expect(content.slice(700, 705)).toBe("newer");
      else expect(content.slice(1500, 1506)).toBe("newest");
    }
  });

  test("what a failed sync should have saved is not saved by the next", async () => {
    let lost = 0;
    for (const seed of seeds) {
      const disk = await diskWith("/d/a", "old");
      const file = await disk.open("/d/a", "write");
      await file.write([Buffer.from("new")], 0);
      disk.failSync((path) => path === "/d/a");
      await expect(file.sync()).rejects.toSatisfy((error) => hasCode(error, "DiskFailed"));
      disk.failSync(undefined);
      await file.sync();
      disk.crash(seededRandom(seed));
      if (disk.contentOf("/d/a").toString() === "old") lost++;
    }
    expect(lost).toBeGreaterThan(0);
  });

  test("a full disk takes what fits", async () => {
    const disk = await diskWith("/d/a", "1234");
    disk.leaveFree(2);
    const file = await disk.open("/d/a", "write");
    await file.write([Buffer.from("abcd")], 0);
    await expect(file.write([Buffer.from("efgh")], 4)).rejects.toSatisfy((error) =>
      hasCode(error, "DiskFull"),
    );
    expect(disk.contentOf("/d/a").toString()).toBe("abcdef");
    expect((await disk.space()).freeBytes).toBe(0);
  });

  test("a flipped bit stays", async () => {
    const disk = await diskWith("/d/a", "abc");
    disk.flip("/d/a", 1, 0x20);
    disk.crash(seededRandom(1));
    expect(disk.contentOf("/d/a").toString()).toBe("aBc");
  });

  test("a lock keeps a second one out and dies with the power", async () => {
    const disk = await diskWith("/d/a", "");
    await disk.lock("/d");
    await expect(disk.lock("/d")).rejects.toSatisfy((error) => hasCode(error, "Locked"));
    disk.crash(seededRandom(1));
    await (await disk.lock("/d"))[Symbol.asyncDispose]();
    await disk.lock("/d");
  });
});
