/**
 * The power is cut in every change of the disk while a member is made anew, from nothing, in place and in
 * place of another piece, with several fates of what was not synced. What was there before is there,
 * whatever is served is right, and the order given again ends.
 */
import { describe, expect, test } from "vitest";
import type { NeedleId, Term } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import { FILE, Members } from "../../test/members-fixture.ts";

const SCHEME = { k: 2, m: 1 };
const SPARE = 3;
const FATES = 4;
const id = (n: number) => BigInt(n) as NeedleId;

interface Way {
  readonly to: number;
  readonly piece: number;
  /** The piece that is there, and gives way. */
  readonly replaces?: number;
}

async function filled({ to, replaces }: Way): Promise<Members> {
  const members = await Members.open(SCHEME);
  const random = seededRandom(4);
  for (let n = 1; n <= 8; n++)
    await members.store(id(n), random.bytes([0, 9, 4096, 90_001][n % 4] ?? 0));
  await members.remove(id(3));
  await members.seal();
  // One of the sources may not be harmed as well: then there are too few.
  if (to !== SPARE) members.disks[0]?.flip(FILE, 64 + 40);
  if (replaces !== undefined) await makeAnew(members, { to, piece: replaces });
  return members;
}

async function makeAnew(members: Members, { to, piece, ...more }: Way): Promise<void> {
  await members.server(to).rebuild(members.order(piece, to, { term: 3 as Term, ...more }));
}

/** Everything that is served is right, and in place everything is still served that was. */
async function check(members: Members, { to, piece, replaces }: Way): Promise<void> {
  const [status] = await members.server(to).blocks(members.at(to).device, 0, 1);
  const isBefore = replaces !== undefined && status?.piece?.piece === replaces;
  for (const [needle, pieces] of members.stored) {
    const found = await members.load(to, needle);
    if (typeof found !== "string") expect(found).toEqual(pieces[isBefore ? replaces : piece]);
    else if (replaces !== undefined) expect(found, `needle ${needle}`).toBe("");
    else if (to === SPARE) expect(found).toBe("missing");
    else expect(found, `needle ${needle}`).toBe(needle === id(1) ? "damaged" : "");
  }
  expect(await members.load(to, id(3))).toBe("missing");
}

async function operationsOf(way: Way): Promise<readonly [from: number, to: number]> {
  const members = await filled(way);
  const disk = members.disks[way.to];
  const from = disk?.operations ?? 0;
  await makeAnew(members, way);
  return [from + 1, disk?.operations ?? 0];
}

describe.each<[string, Way]>([
  ["from nothing", { to: SPARE, piece: 2 }],
  ["in place", { to: 0, piece: 0 }],
  ["in place of another piece", { to: SPARE, piece: 2, replaces: 1 }],
])("the power is cut while a member is made anew %s", async (_, way) => {
  const { to, piece } = way;
  const [first, last] = await operationsOf(way);

  test("and that is worth it", () => {
    expect(last - first).toBeGreaterThan(way.replaces === undefined ? 12 : 8);
  });

  test.each(Array.from({ length: FATES }, (__, i) => i))(
    "in every operation, fate %i",
    async (fate) => {
      for (let n = first; n <= last; n++) {
        const members = await filled(way);
        const disk = members.disks[to];
        disk?.crashAt(n);
        await expect(makeAnew(members, way)).rejects.toThrow();
        if (fate === 0) disk?.kill();
        else disk?.crash(seededRandom(n * 100 + fate));
        await members.start(to);
        await check(members, way).catch((cause: unknown) => {
          throw new Error(`cut at operation ${n}, fate ${fate}`, { cause });
        });
        expect(disk?.paths().filter((path) => path.endsWith(".new"))).toEqual([]);
        await makeAnew(members, way);
        disk?.crash(seededRandom(n * 100 + fate + 50));
        await members.start(to);
        for (const [needle, pieces] of members.stored)
          expect(await members.load(to, needle)).toEqual(pieces[piece]);
        expect(await members.load(to, id(3))).toBe("missing");
      }
    },
  );
});
