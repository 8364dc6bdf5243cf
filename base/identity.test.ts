import { expect, test } from "vitest";
import { systemClock } from "./clock.ts";
import { readWhole } from "./disk.ts";
import { SimulatedCrash, SimulatedDisk } from "./disk-simulated.ts";
import { hasCode, QuarryError } from "./errors.ts";
import { demandLevel, ensureIdentity, readIdentity } from "./identity.ts";
import { seededRandom } from "./random.ts";
import { LEVEL } from "./version.ts";

async function emptyDisk(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  await disk.makeDirectory("/d");
  return disk;
}
const seams = (seed: number) => ({ clock: systemClock, random: seededRandom(seed) });

test("an identity is made once and stays", async () => {
  const disk = await emptyDisk();
  expect(await readIdentity(disk, "/d")).toBeUndefined();
  const first = await ensureIdentity(disk, "/d", "device", seams(1));
  expect(first.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  disk.crash(seededRandom(1));
  expect(await ensureIdentity(disk, "/d", "device", seams(2))).toEqual(first);
});

test("a crash in the making leaves none or a whole one", async () => {
  for (let n = 1; n < 20; n++) {
    const disk = await emptyDisk();
    disk.crashAt(n);
    await ensureIdentity(disk, "/d", "device", seams(1)).catch((error: unknown) =>
      expect(error).toBeInstanceOf(SimulatedCrash),
    );
    disk.crash(seededRandom(n));
    await ensureIdentity(disk, "/d", "device", seams(2));
  }
});

test("any flipped bit is found, or changes nothing", async () => {
  const disk = await emptyDisk();
  const good = await ensureIdentity(disk, "/d", "device", seams(1));
  const length = disk.contentOf("/d/identity.json").length;
  let found = 0;
  for (let at = 0; at < length; at++)
    for (const mask of [1, 4, 16, 64]) {
      disk.flip("/d/identity.json", at, mask);
      const got = await readIdentity(disk, "/d").catch((error: unknown) => error);
      if (got instanceof QuarryError) found++;
      else expect(got).toEqual(good); // white space
      disk.flip("/d/identity.json", at, mask);
    }
  expect(found).toBeGreaterThan(length * 2);
});

test("the data of another kind of server, or of a newer version, is refused", async () => {
  const disk = await emptyDisk();
  await ensureIdentity(disk, "/d", "nameserver", seams(1));
  await expect(ensureIdentity(disk, "/d", "device", seams(1))).rejects.toSatisfy((error) =>
    hasCode(error, "InvalidArgument"),
  );
  disk.plant("/d/identity.json", Buffer.from('{"format": 3}'));
  await expect(ensureIdentity(disk, "/d", "device", seams(1))).rejects.toSatisfy((error) =>
    hasCode(error, "NewerFormat"),
  );
});

test("a folder says which level it needs: earlier versions, which read format 1, refuse it", async () => {
  const disk = new SimulatedDisk();
  await disk.makeDirectory("/d");
  const { id } = await ensureIdentity(disk, "/d", "nameserver", seams(1));
  const format = async () =>
    (JSON.parse((await readWhole(disk, "/d/identity.json")).toString()) as { format: number })
      .format;
  expect(await format()).toBe(1);
  await demandLevel(disk, "/d", LEVEL);
  expect(await format()).toBe(2);
  expect(await readIdentity(disk, "/d")).toMatchObject({ id, level: LEVEL });
  await demandLevel(disk, "/d", 1);
  expect(await readIdentity(disk, "/d")).toMatchObject({ level: LEVEL });
  await demandLevel(disk, "/d", LEVEL + 1);
  await expect(readIdentity(disk, "/d")).rejects.toMatchObject({ code: "NewerFormat" });
});
