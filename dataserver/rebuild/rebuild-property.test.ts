/**
 * Members lose files, needles and bytes at random, within what the scheme bears; every member that is
 * made anew equals the one before, needle for needle.
 */
import { expect, test } from "vitest";
import type { NeedleId } from "../../base/ids.ts";
import { type Random, seededRandom } from "../../base/random.ts";
import { FILE, Members } from "../../test/members-fixture.ts";

const SCHEMES = [
  { k: 1, m: 1 },
  { k: 1, m: 2 },
  { k: 2, m: 1 },
  { k: 4, m: 2 },
  { k: 3, m: 3 },
];

const below = (random: Random, n: number) => random.u32() % n;

async function harm(members: Members, i: number, random: Random): Promise<void> {
  const disk = members.disks[i];
  const what = below(random, 4);
  if (what === 0) {
    await members.server(i)[Symbol.asyncDispose]();
    await disk?.remove(FILE);
    await disk?.remove(FILE.replace(".block", ".index"));
    await members.start(i);
    return;
  }
  const length = disk?.contentOf(FILE).length ?? 0;
  for (let n = 0; n < 8 * what; n++) disk?.flip(FILE, below(random, length), 1 << below(random, 8));
  if (what === 3) return;
  await members.server(i)[Symbol.asyncDispose]();
  // Without its index nobody knows what the harmed headers were.
  if (what === 2) await disk?.remove(FILE.replace(".block", ".index"));
  await members.start(i);
}

test.each(Array.from({ length: 24 }, (_, i) => i + 1))("seed %i", async (seed) => {
  const random = seededRandom(seed);
  const scheme = SCHEMES[seed % SCHEMES.length] ?? { k: 1, m: 1 };
  const members = await Members.open(scheme, 0);
  const ids: NeedleId[] = [];
  for (let n = 0; n < 10 + below(random, 30); n++) {
    ids.push((BigInt(random.u32()) << 32n) as NeedleId);
    await members.store(
      ids.at(-1) as NeedleId,
      random.bytes(below(random, 2) * below(random, 99_000)),
    );
  }
  for (const needle of ids) if (below(random, 5) === 0) await members.remove(needle);
  await members.seal();
  const all = members.positions();
  const lost = all.sort(() => below(random, 3) - 1).slice(0, scheme.m);
  for (const i of lost) await harm(members, i, random);
  for (const i of lost) {
    // Of those that are harmed one is right again after the other.
    const order = members.order(i, i);
    const { lostCount } = await members.server(i).rebuild(order);
    expect(lostCount).toBe(0);
  }
  for (const i of all) {
    for (const [needle, pieces] of members.stored)
      expect(await members.load(i, needle)).toEqual(pieces[i]);
    const [status] = await members.server(i).blocks(members.at(i).device, 0, 1);
    expect(status).toMatchObject({ needles: members.stored.size, damage: [] });
    const found = await members.server(i).scrub(members.at(i).device, { bytesPerSecond: 2 ** 40 });
    expect(found.bad).toBe(0);
  }
});
