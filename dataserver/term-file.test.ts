import { expect, test } from "vitest";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import type { Term } from "../base/ids.ts";
import { seededRandom } from "../base/random.ts";
import type { DiskReport } from "./report.ts";
import { TermFile } from "./term-file.ts";

const term = (n: number) => n as Term;
const STALE = { code: "StaleTerm" };

async function open(disk: SimulatedDisk, reports: DiskReport[] = []): Promise<TermFile> {
  await disk.makeDirectory("/d");
  return await TermFile.open(disk, "/d", (report) => reports.push(report));
}

test("what was followed is known after any crash; what was not may be", async () => {
  for (let n = 1; ; n++) {
    const disk = new SimulatedDisk();
    const file = await open(disk);
    await file.follow(term(3));
    const before = disk.operations;
    disk.crashAt(before + n);
    const followed = await file.follow(term(9)).then(
      () => true,
      () => false,
    );
    disk.crash(seededRandom(n));
    const again = await open(disk);
    await expect(again.follow(term(2))).rejects.toMatchObject(STALE);
    if (!followed) continue;
    await expect(again.follow(term(8))).rejects.toMatchObject(STALE);
    await again.follow(term(9));
    expect(n).toBeGreaterThan(4);
    break;
  }
});

test("no term is no order of a leader; several at once end in the highest", async () => {
  const file = await open(new SimulatedDisk());
  await Promise.allSettled([2, 7, 5, 7, 3].map((n) => file.follow(term(n))));
  await file.follow(undefined);
  await expect(file.follow(term(6))).rejects.toMatchObject(STALE);
  await file.follow(term(7));
});

test("a full disk keeps nobody from following; a failed one does", async () => {
  const disk = new SimulatedDisk();
  const file = await open(disk);
  disk.leaveFree(0);
  await file.follow(term(4));
  await expect(file.follow(term(3))).rejects.toMatchObject(STALE);
  disk.leaveFree(1000);
  disk.failSync(() => true);
  await expect(file.follow(term(5))).rejects.toMatchObject({ code: "DiskFailed" });
  await expect(file.follow(term(5))).rejects.toMatchObject({ code: "DiskFailed" });
});

test("a flipped bit is found, told, and mended by the next order", async () => {
  for (let bit = 0; bit < 28 * 8; bit += 3) {
    const disk = new SimulatedDisk();
    await (await open(disk)).follow(term(6));
    disk.flip("/d/term", bit >> 3, 1 << (bit & 7));
    const reports: DiskReport[] = [];
    const file = await open(disk, reports);
    expect(reports.map(({ kind, path }) => [kind, path])).toEqual([["damage", "/d/term"]]);
    await file.follow(term(2));
    await expect((await open(disk)).follow(term(1))).rejects.toMatchObject(STALE);
  }
});
