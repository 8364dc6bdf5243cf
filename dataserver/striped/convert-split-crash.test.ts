/**
 * The power of one device is cut in every change of its disk while a block of split needles is converted
 * to stripes and switched. It has the block as it was, or as it is to be; done again, it ends.
 */
import { expect, test } from "vitest";
import { crc32c } from "../../base/checksum.ts";
import type { NeedleId } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import { CHUNK_ROW_BYTES } from "../../rpc/stripe-service.ts";
import { Members } from "../../test/members-fixture.ts";
import { loadStriped, orderOf, switched, type Where } from "../../test/striped-fixture.ts";

const split: Where = {
  ...{ layout: "split", scheme: { k: 2, m: 1 }, generation: 1 },
  servers: [0, 1, 2],
};
const stripes: Where = {
  ...{ layout: "striped", scheme: { k: 3, m: 1 }, generation: 2 },
  servers: [1, 2, 3, 4],
};
const BY = 2;
const SIZES = [100, 9, 4097, 66_001];

interface Scene {
  readonly members: Members;
  readonly contents: Map<NeedleId, Buffer>;
}

async function filled(): Promise<Scene> {
  const members = await Members.open(split.scheme, 2);
  const random = seededRandom(4);
  const contents = new Map<NeedleId, Buffer>();
  for (let n = 1; n <= 8; n++) {
    const content = random.bytes(SIZES[n % SIZES.length] ?? 0);
    contents.set(BigInt(n) as NeedleId, content);
    await members.store(BigInt(n) as NeedleId, content);
  }
  await members.seal();
  return { members, contents };
}

async function convertTo({ members, contents }: Scene, told: { encoding?: number }): Promise<void> {
  const rows = [...contents].map(([needle, content]) => {
    const row = Buffer.alloc(CHUNK_ROW_BYTES);
    row.writeBigUInt64LE(needle);
    row.writeUInt32LE(content.length, 8);
    row.writeUInt32LE(crc32c(content), 12);
    return row;
  });
  const order = orderOf(members, split, stripes, BY);
  const full = { ...order, chunks: Buffer.concat(rows), padded: true } as const;
  told.encoding = (await members.server(BY).convert(full)).encoding;
  await switchAll(members, told.encoding);
}

async function switchAll(members: Members, encoding: number): Promise<void> {
  for (const i of stripes.servers) await switched(members, i, 2, encoding);
}

test.each([
  ["that has a piece", 1],
  ["that converts", BY],
  ["that has nothing", 3],
])(
  "the power of a device is cut %s, in every operation",
  async (_, cut) => {
    const { members } = await filled();
    const first = (members.disks[cut]?.operations ?? 0) + 1;
    const whole = await filled();
    await convertTo(whole, {});
    const last = whole.members.disks[cut]?.operations ?? 0;
    expect(last - first).toBeGreaterThan(10);
    for (let n = first; n <= last; n++) {
      const scene = await filled();
      const disk = scene.members.disks[cut];
      disk?.crashAt(n);
      const told: { encoding?: number } = {};
      await expect(convertTo(scene, told)).rejects.toThrow();
      disk?.crash(seededRandom(n));
      await scene.members.start(cut);
      await check(scene, cut, told.encoding).catch((cause: unknown) => {
        throw new Error(`cut at operation ${n}`, { cause });
      });
    }
  },
  60_000,
);

async function check(scene: Scene, cut: number, encoding: number | undefined): Promise<void> {
  const { members, contents } = scene;
  const [status] = await members.server(cut).blocks(members.at(cut).device, 0, 1);
  if (status === undefined) expect(cut).toBe(3);
  else {
    expect(status).toMatchObject({ damage: [], needles: contents.size });
    expect([1, 2]).toContain(status.generation);
  }
  if (encoding === undefined) await convertTo(scene, {});
  else await switchAll(members, encoding);
  for (const [needle, content] of contents)
    expect((await loadStriped(members, stripes.servers, 3, needle)).data).toEqual(content);
}
