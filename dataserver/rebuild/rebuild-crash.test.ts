/**
 * The power is cut in every change of the disk while a member is made anew, from nothing and in place,
 * with several fates of what was not synced. What was there before is there, whatever is served is
 * right, and the order given again ends.
 */
import { describe, expect, test } from "vitest";
import type { NeedleId, Term } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import { FILE, Members } from "../../test/members-fixture.ts";

const SCHEME = { k: 2, m: 1 };
const SPARE = 3;
const FATES = 4;
const id = (n: number) => BigInt(n) as NeedleId;

async function filled(to: number): Promise<Members> {
  const members = await Members.open(SCHEME);
  const random = seededRandom(4);
  for (let n = 1; n <= 8; n++)
    await members.store(id(n), random.bytes([0, 9, 4096, 90_001][n % 4] ?? 0));
  await members.remove(id(3));
  await members.seal();
  // One of the sources may not be harmed as well: then there are too few.
  if (to !== SPARE) members.disks[0]?.flip(FILE, 64 + 40);
  return members;
}

async function makeAnew(members: Members, to: number): Promise<void> {
  const piece = to === SPARE ? 2 : to;
  await members.server(to).rebuild(members.order(piece, to, { term: 3 as Term }));
}

/** Everything that is served is right, and in place everything is still served that was. */
async function check(members: Members, to: number): Promise<void> {
  const piece = to === SPARE ? 2 : to;
  for (const [needle, pieces] of members.stored) {
    const found = await members.load(to, needle);
    if (typeof found !== "string") expect(found).toEqual(pieces[piece]);
    else if (to === SPARE) expect(found).toBe("missing");
    else expect(found, `needle ${needle}`).toBe(needle === id(1) ? "damaged" : "");
  }
  expect(await members.load(to, id(3))).toBe("missing");
}

async function operationsOf(to: number): Promise<readonly [from: number, to: number]> {
  const members = await filled(to);
  const disk = members.disks[to];
  const from = disk?.operations ?? 0;
  await makeAnew(members, to);
  return [from + 1, disk?.operations ?? 0];
}

describe.each([
  ["from nothing", SPARE],
  ["in place", 0],
])("the power is cut while a member is made anew %s", async (_, to) => {
  const [first, last] = await operationsOf(to);

  test("and that is worth it", () => {
    expect(last - first).toBeGreaterThan(12);
  });

  test.each(Array.from({ length: FATES }, (__, i) => i))(
    "in every operation, fate %i",
    async (fate) => {
      for (let n = first; n <= last; n++) {
        const members = await filled(to);
        const disk = members.disks[to];
        disk?.crashAt(n);
        await expect(makeAnew(members, to)).rejects.toThrow();
        if (fate === 0) disk?.kill();
        else disk?.crash(seededRandom(n * 100 + fate));
        await members.start(to);
        await check(members, to).catch((cause: unknown) => {
          throw new Error(`cut at operation ${n}, fate ${fate}`, { cause });
        });
        expect(disk?.paths().filter((path) => path.endsWith(".new"))).toEqual([]);
        await makeAnew(members, to);
        disk?.crash(seededRandom(n * 100 + fate + 50));
        await members.start(to);
        for (const [needle, pieces] of members.stored)
          expect(await members.load(to, needle)).toEqual(pieces[to === SPARE ? 2 : to]);
        expect(await members.load(to, id(3))).toBe("missing");
      }
    },
  );
});
