/** Blocks of split needles are written anew whole or in stripes: every chunk has its own length again. */
import { describe, expect, test } from "vitest";
import { crc32c } from "../../base/checksum.ts";
import type { NeedleId } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import type { PoolScheme } from "../../rpc/pool.ts";
import { CHUNK_ROW_BYTES, type ConvertOrder } from "../../rpc/stripe-service.ts";
import { Members } from "../../test/members-fixture.ts";
import { loadStriped, orderOf, switched, type Where } from "../../test/striped-fixture.ts";

const SIZES = [0, 1, 2, 3, 5, 4095, 4097, 65_537, 262_144, 300_001];

interface Scene {
  readonly members: Members;
  readonly contents: Map<NeedleId, Buffer>;
  readonly from: Where;
}

async function splitBlock(scheme: PoolScheme, spare: number, seed = 1): Promise<Scene> {
  const members = await Members.open(scheme, spare);
  const random = seededRandom(seed);
  const contents = new Map<NeedleId, Buffer>();
  for (let n = 0; n < 25; n++) {
    const id = (BigInt(random.u32()) * 65_537n + 1n) as NeedleId;
    const content = random.bytes(SIZES[n % SIZES.length] ?? 0);
    contents.set(id, content);
    await members.store(id, content);
  }
  await members.seal();
  const from: Where = { layout: "split", scheme, generation: 1, servers: members.positions() };
  return { members, contents, from };
}

function chunksOf(contents: ReadonlyMap<NeedleId, Buffer>): Buffer {
  const rows = [...contents].map(([needle, content]) => {
    const row = Buffer.alloc(CHUNK_ROW_BYTES);
    row.writeBigUInt64LE(needle);
    row.writeUInt32LE(content.length, 8);
    row.writeUInt32LE(crc32c(content), 12);
    return row;
  });
  return Buffer.concat(rows);
}

function order({ members, contents, from }: Scene, to: Where): ConvertOrder {
  const [by = 0] = to.servers;
  return { ...orderOf(members, from, to, by), chunks: chunksOf(contents), padded: true };
}

async function convertTo(scene: Scene, to: Where): Promise<void> {
  const [by = 0] = to.servers;
  const { encoding } = await scene.members.server(by).convert(order(scene, to));
  for (const i of to.servers) await switched(scene.members, i, 2, encoding);
}

const stripes = (k: number, m: number, first = 0): Where => ({
  ...{ layout: "striped", scheme: { k, m }, generation: 2 },
  servers: Array.from({ length: k + m }, (_, i) => first + i),
});
const whole = (copies: number, first = 0): Where => ({
  ...{ layout: "whole", scheme: { k: 1, m: copies - 1 }, generation: 2 },
  servers: Array.from({ length: copies }, (_, i) => first + i),
});

async function expectAll({ members, contents }: Scene, { layout, scheme, servers }: Where) {
  for (const [needle, content] of contents) {
    if (layout === "striped")
      expect((await loadStriped(members, servers, scheme.k, needle)).data).toEqual(content);
    else for (const i of servers) expect(await members.load(i, needle)).toEqual(content);
  }
}

describe.each([
  ["4+2", { k: 4, m: 2 }],
  ["2+1", { k: 2, m: 1 }],
  ["3+2", { k: 3, m: 2 }],
])("from %s", (_, scheme) => {
  test.each([
    ["6+3", stripes(6, 3)],
    ["2+2, on others", stripes(2, 2, 3)],
    ["three copies", whole(3)],
    ["two copies, on others", whole(2, 6)],
  ])("to %s", async (__, to) => {
    const scene = await splitBlock(scheme, 9);
    await convertTo(scene, to);
    await expectAll(scene, to);
    for (const i of to.servers) {
      await scene.members.server(i)[Symbol.asyncDispose]();
      await scene.members.start(i);
    }
    await expectAll(scene, to);
  });

  test("with as many members away as may be", async () => {
    const scene = await splitBlock(scheme, 9);
    for (let i = 0; i < scheme.m; i++) scene.members.down.add(i);
    const to = stripes(3, 1, scheme.k + scheme.m);
    await convertTo(scene, to);
    await expectAll(scene, to);
  });
});

test("what was removed, and what nobody names, is not in it", async () => {
  const scene = await splitBlock({ k: 4, m: 2 }, 3);
  const [removed = 0n as NeedleId, unnamed = 0n as NeedleId] = scene.contents.keys();
  await scene.members.remove(removed);
  scene.contents.delete(unnamed);
  const to = stripes(6, 3);
  await convertTo(scene, to);
  scene.contents.delete(removed);
  await expectAll(scene, to);
  for (const gone of [removed, unnamed])
    expect((await loadStriped(scene.members, to.servers, 6, gone)).data).toBe("missing");
});

test("what is removed between the conversion and the switch does not come back", async () => {
  const scene = await splitBlock({ k: 4, m: 2 }, 3);
  const to = stripes(6, 3);
  const { encoding } = await scene.members.server(0).convert(order(scene, to));
  const [gone = 0n as NeedleId] = scene.contents.keys();
  await scene.members.remove(gone);
  for (const i of to.servers) await switched(scene.members, i, 2, encoding);
  const read = { ...scene.members.at(0, 2), needle: gone, offset: 0, lengthBytes: 10 };
  expect((await scene.members.server(0).read(read)).kind).toBe("missing");
});

test("one large needle is padded, when its pool wants it so, and else not", async () => {
  const members = await Members.open({ k: 4, m: 2 }, 3);
  const content = seededRandom(5).bytes(1_000_001);
  await members.store(77n as NeedleId, content);
  await members.seal();
  const contents = new Map([[77n as NeedleId, content]]);
  const from: Where = {
    ...{ layout: "split", scheme: { k: 4, m: 2 }, generation: 1 },
    servers: members.positions(),
  };
  const scene = { members, contents, from };
  const to = stripes(6, 3);
  const { padded: _, ...worth } = order(scene, to);
  await expect(members.server(0).convert(worth)).rejects.toThrow("are not worth it");
  await convertTo(scene, to);
  await expectAll(scene, to);
});

describe("nothing is made of", () => {
  const to = stripes(6, 3);

  test("pieces that do not give the chunk", async () => {
    const scene = await splitBlock({ k: 4, m: 2 }, 3);
    const chunks = chunksOf(scene.contents);
    chunks.writeUInt32LE(1, 12 + CHUNK_ROW_BYTES);
    const converting = scene.members.server(0).convert({ ...order(scene, to), chunks });
    await expect(converting).rejects.toMatchObject({ code: "Damaged" });
  });

  test("pieces of another length", async () => {
    const scene = await splitBlock({ k: 4, m: 2 }, 3);
    const chunks = chunksOf(scene.contents);
    chunks.writeUInt32LE(7_000_000, 8);
    const converting = scene.members.server(0).convert({ ...order(scene, to), chunks });
    await expect(converting).rejects.toMatchObject({ code: "Damaged" });
  });

  test("too few pieces", async () => {
    const scene = await splitBlock({ k: 4, m: 2 }, 3);
    for (const i of [3, 4, 5]) scene.members.down.add(i);
    const converting = scene.members.server(0).convert(order(scene, to));
    await expect(converting).rejects.toMatchObject({ code: "TooFewPieces" });
  });

  test("a block whose chunks are not told", async () => {
    const scene = await splitBlock({ k: 4, m: 2 }, 3);
    const { chunks: _, ...blind } = order(scene, to);
    const converting = scene.members.server(0).convert(blind);
    await expect(converting).rejects.toMatchObject({ code: "InvalidArgument" });
  });
});
