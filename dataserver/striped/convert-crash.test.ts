/**
 * The power of one device is cut in every change of its disk while a block is converted and switched,
 * with several fates of what was not synced. It has the block as it was, or as it is to be, or none where
 * there was none; what was finished before the cut is still there to be switched to; done again, it ends.
 */
import { describe, expect, test } from "vitest";
import type { NeedleId } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import { Members } from "../../test/members-fixture.ts";
import { loadStriped, orderOf, switched, type Where } from "../../test/striped-fixture.ts";

const FATES = 3;
const whole: Where = {
  ...{ layout: "whole", scheme: { k: 1, m: 1 }, generation: 1 },
  servers: [0, 1],
};
const stripes: Where = {
  ...{ layout: "striped", scheme: { k: 2, m: 1 }, generation: 2 },
  servers: [1, 2, 3],
};
const BY = 2;
const id = (n: number) => BigInt(n) as NeedleId;

async function filled(): Promise<Members> {
  const members = await Members.open(whole.scheme, 2);
  const random = seededRandom(4);
  for (let n = 1; n <= 12; n++)
    await members.store(id(n), random.bytes([100, 9, 4096, 66_001][n % 4] ?? 0));
  await members.remove(id(3));
  await members.seal();
  return members;
}

/** `told` has the encoding as soon as every file of it is finished. */
async function convertTo(members: Members, told: { encoding?: number }): Promise<void> {
  const order = orderOf(members, whole, stripes, BY);
  told.encoding = (await members.server(BY).convert(order)).encoding;
  await switchAll(members, told.encoding);
}

async function switchAll(members: Members, encoding: number): Promise<void> {
  for (const i of stripes.servers) await switched(members, i, 2, encoding);
}

async function operationsOf(cut: number): Promise<readonly [from: number, to: number]> {
  const members = await filled();
  const from = members.disks[cut]?.operations ?? 0;
  await convertTo(members, {});
  return [from + 1, members.disks[cut]?.operations ?? 0];
}

describe.each([
  ["that has a copy", 1],
  ["that converts", BY],
  ["that has nothing", 3],
])("the power of a device is cut %s", async (_, cut) => {
  const [first, last] = await operationsOf(cut);

  test("and that is worth it", () => {
    expect(last - first).toBeGreaterThan(10);
  });

  test.each(Array.from({ length: FATES }, (__, i) => i))(
    "in every operation, fate %i",
    async (fate) => {
      for (let n = first; n <= last; n++) {
        const members = await filled();
        const disk = members.disks[cut];
        disk?.crashAt(n);
        const told: { encoding?: number } = {};
        await expect(convertTo(members, told)).rejects.toThrow();
        if (fate === 0) disk?.kill();
        else disk?.crash(seededRandom(n * 100 + fate));
        await members.start(cut);
        await check(members, cut, told.encoding).catch((cause: unknown) => {
          throw new Error(`cut at operation ${n}, fate ${fate}`, { cause });
        });
      }
    },
    60_000,
  );
});

async function check(members: Members, cut: number, encoding: number | undefined): Promise<void> {
  const [status] = await members.server(cut).blocks(members.at(cut).device, 0, 1);
  if (status === undefined) expect(cut).not.toBe(1);
  else {
    expect(status).toMatchObject({ damage: [], needles: members.stored.size });
    expect([1, 2]).toContain(status.generation);
  }
  const unfinished = members.disks[cut]?.paths().filter((path) => path.endsWith(".new"));
  expect(unfinished).toEqual([]);
  for (const [needle, [content]] of members.stored) {
    const found = await members.load(cut, needle);
    if (Buffer.isBuffer(found)) expect(found).toEqual(content);
    else expect(found).toBe(status === undefined ? "missing" : "elsewhere");
  }
  // What was finished everywhere is only to be switched to; else it begins anew.
  if (encoding === undefined) await convertTo(members, {});
  else await switchAll(members, encoding);
  for (const [needle, [content]] of members.stored)
    expect((await loadStriped(members, stripes.servers, 2, needle)).data).toEqual(content);
  expect((await loadStriped(members, stripes.servers, 2, id(3))).data).toBe("missing");
}
