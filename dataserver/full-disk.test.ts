/** A disk that fills: what it refuses, what it goes on with, and how it comes back. */
import { describe, expect, test } from "vitest";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import type { NeedleId } from "../base/ids.ts";
import { addressOf, bytesOf, load, openFixture, store } from "../test/block-fixture.ts";
import { DIRECTORY, Members } from "../test/members-fixture.ts";

const id = (n: number) => BigInt(n) as NeedleId;
const KiB = 1024;
const RESERVE = 2_000 * KiB;
const PASSED_MS = 1_000;

async function filled() {
  const f = await openFixture(new SimulatedDisk(), { reserveBytes: RESERVE });
  await f.server.createBlock(addressOf(f));
  for (let n = 1; n <= 10; n++)
    expect(await store(f, id(n), addressOf(f), bytesOf(id(n), 100 * KiB))).toBe("stored");
  f.disk.leaveFree(RESERVE);
  f.clock.advance(PASSED_MS);
  return f;
}

describe("a full disk", () => {
  test("refuses appends before it is really full, and reads, deletes and seals all the same", async () => {
    const f = await filled();
    expect(await store(f, id(99))).toBe("full");
    expect((await f.server.devices())[0]?.state).toBe("full");
    expect(await load(f, id(1))).toEqual(bytesOf(id(1), 100 * KiB));
    await f.server.remove(addressOf(f), [id(1), id(2)]);
    expect(await load(f, id(1))).toBe("missing");
    expect((await f.server.sealBlock(addressOf(f))).needles).toBe(8);
  });

  test("is compacted with the room that was kept free, which brings room back by itself", async () => {
    const f = await filled();
    await f.server.remove(addressOf(f), [1, 2, 3, 4, 5, 6].map(id));
    await f.server.sealBlock(addressOf(f));
    await f.server.compact(addressOf(f));
    await f.server.switchGeneration(addressOf(f, undefined, 2));
    f.clock.advance(PASSED_MS);
    expect((await f.server.devices())[0]?.state).toBe("ok");
    await f.server.createBlock({ ...addressOf(f), block: 8 as never });
    expect(await store(f, id(99), { ...addressOf(f), block: 8 as never })).toBe("stored");
    expect(await load(f, id(9))).toEqual(bytesOf(id(9), 100 * KiB));
  });

  test("with no byte left compaction is refused, what is there is read, and a restart changes nothing", async () => {
    const f = await filled();
    await f.server.sealBlock(addressOf(f));
    f.disk.leaveFree(0);
    await expect(f.server.compact(addressOf(f))).rejects.toMatchObject({ code: "DiskFull" });
    expect(await load(f, id(3))).toEqual(bytesOf(id(3), 100 * KiB));
    await f.server[Symbol.asyncDispose]();
    const again = await openFixture(f.disk, { reserveBytes: RESERVE });
    expect(await load(again, id(3))).toEqual(bytesOf(id(3), 100 * KiB));
    expect(again.disk.paths().filter((path) => path.endsWith(".new"))).toEqual([]);
  });
});

describe("a member that is made anew", () => {
  async function members() {
    const all = await Members.open({ k: 1, m: 2 });
    for (let n = 1; n <= 30; n++) await all.store(id(n), bytesOf(id(n), 200 * KiB));
    await all.seal();
    return all;
  }
  const spare = 3;

  test("on a full disk is refused at once, and made there when there is room", async () => {
    const all = await members();
    const disk = all.disks[spare];
    disk?.leaveFree(1_000 * KiB);
    const order = all.order(0, spare);
    await expect(all.server(spare).rebuild(order)).rejects.toMatchObject({ code: "DiskFull" });
    disk?.leaveFree(10_000 * KiB);
    expect((await all.server(spare).rebuild(order)).status.needles).toBe(30);
  });

  test("on a disk that fills meanwhile leaves nothing behind, and harms nothing", async () => {
    const all = await members();
    const disk = all.disks[spare] ?? new SimulatedDisk();
    const order = all.order(0, spare);
    const rebuilding = all.server(spare).rebuild(order);
    const isBegun = () => disk.paths().some((path) => path.endsWith(".rebuilt.new"));
    for (let turn = 0; !isBegun(); turn++) {
      if (turn > 10_000) throw new Error("it never began");
      await Promise.resolve();
    }
    disk.leaveFree(500 * KiB);
    await expect(rebuilding).rejects.toMatchObject({ code: "DiskFull" });
    const files = disk
      .paths()
      .filter((path) => path.startsWith(DIRECTORY) && path.includes("block"));
    expect(files).toEqual([]);
    expect((await all.server(spare).devices())[0]?.state).not.toBe("failed");
    disk.leaveFree(10_000 * KiB);
    all.clock.advance(PASSED_MS);
    expect((await all.server(spare).rebuild(order)).status.needles).toBe(30);
  });
});
