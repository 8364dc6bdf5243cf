/** Blocks are written anew in stripes, from whole needles and from stripes, and whole again. */
import { describe, expect, test } from "vitest";
import type { NeedleId } from "../../base/ids.ts";
import { FILE, Members } from "../../test/members-fixture.ts";
import {
  converted,
  loadStriped,
  orderOf,
  packed,
  switched,
  type Where,
} from "../../test/striped-fixture.ts";

const whole: Where = {
  ...{ layout: "whole", scheme: { k: 1, m: 2 }, generation: 1 },
  servers: [0, 1, 2],
};
const stripes = (k: number, m: number, generation = 2): Where => ({
  ...{ layout: "striped", scheme: { k, m }, generation },
  servers: Array.from({ length: k + m }, (_, i) => i + 1),
});

async function expectAll(members: Members, at: Where): Promise<void> {
  for (const [needle, [content]] of members.stored)
    expect((await loadStriped(members, at.servers, at.scheme.k, needle)).data).toEqual(content);
  let digest = 0n;
  for (const needle of members.stored.keys()) digest ^= needle;
  for (const [piece, i] of at.servers.entries()) {
    const [status] = await members.server(i).blocks(members.at(i).device, 0, 10);
    expect(status).toMatchObject({
      ...{ layout: "striped", generation: at.generation, sealed: true, damage: [] },
      ...{ digest, needles: members.stored.size, piece: { piece, scheme: at.scheme } },
    });
    const { bad } = await members
      .server(i)
      .scrub(members.at(i).device, { bytesPerSecond: 2 ** 50 });
    expect(bad).toBe(0);
  }
}

async function restart(members: Members, servers: readonly number[]): Promise<void> {
  for (const i of servers) {
    await members.server(i)[Symbol.asyncDispose]();
    await members.start(i);
  }
}

describe.each([
  [4, 2],
  [2, 1],
  [3, 2],
])("%i+%i", (k, m) => {
  test("gives back every needle, also after a restart", async () => {
    const members = await packed({ k, m });
    const at = stripes(k, m);
    const { needles } = await converted(members, whole, at);
    expect(needles).toBe(members.stored.size);
    await expectAll(members, at);
    await restart(members, at.servers);
    await expectAll(members, at);
  });

  test("forgets nothing that is removed: before, after, and over a restart", async () => {
    const members = await packed({ k, m });
    const ids = [...members.stored.keys()];
    const [before = 0n as NeedleId, after = 0n as NeedleId] = ids;
    await members.remove(before);
    const at = stripes(k, m);
    await converted(members, whole, at);
    for (const i of at.servers) await members.server(i).remove(members.at(i, 2), [after]);
    members.stored.delete(after);
    await expectAll(members, at);
    await restart(members, at.servers);
    await expectAll(members, at);
    for (const gone of [before, after])
      expect((await loadStriped(members, at.servers, k, gone)).data).toBe("missing");
  });

  test("lists every needle with its owner at every member", async () => {
    const members = await packed({ k, m }, 30);
    const at = stripes(k, m);
    await converted(members, whole, at);
    for (const i of at.servers) {
      const found = new Map<NeedleId, unknown>();
      for (let cursor: number | undefined = 0; cursor !== undefined; ) {
        const page: Awaited<ReturnType<ReturnType<Members["server"]>["needles"]>> = await members
          .server(i)
          .needles(members.at(i, 2), cursor, 7);
        for (const entry of page.entries) found.set(entry.needle, entry);
        cursor = page.next;
      }
      expect(found.size).toBe(members.stored.size);
      for (const [needle, [content]] of members.stored)
        expect(found.get(needle)).toEqual({
          ...{ needle, blob: Number(needle % 1000n), chunk: 3 },
          lengthBytes: content?.length,
        });
    }
  });
});

test("stripes become stripes of another scheme without what was removed, and whole again", async () => {
  const members = await packed({ k: 4, m: 2 }, 40);
  const first = stripes(4, 2);
  await converted(members, whole, first);
  const gone = [...members.stored.keys()].slice(0, 10);
  for (const i of first.servers) await members.server(i).remove(members.at(i, 2), gone);
  for (const needle of gone) members.stored.delete(needle);
  const second = stripes(3, 2, 3);
  await converted(members, first, second);
  await expectAll(members, second);
  const back: Where = { ...whole, generation: 4, servers: [2, 3, 4] };
  await converted(members, second, back);
  for (const i of back.servers)
    for (const [needle, [content]] of members.stored)
      expect(await members.load(i, needle)).toEqual(content);
});

test("of one needle no stripes are made: most of their ranges would be empty", async () => {
  const members = await Members.open({ k: 1, m: 2 }, 6);
  await members.store(1n as NeedleId, Buffer.alloc(4096));
  await members.seal();
  const trying = members.server(1).convert(orderOf(members, whole, stripes(4, 2), 1));
  await expect(trying).rejects.toMatchObject({ code: "Needless" });
  const [status] = await members.server(1).blocks(members.at(1).device, 0, 10);
  expect(status).toMatchObject({ generation: 1, needles: 1 });
});

test("what is removed between the encoding and the switch does not come back", async () => {
  const members = await packed({ k: 4, m: 2 }, 60);
  const at = stripes(4, 2);
  const order = orderOf(members, whole, at, 1);
  const { encoding } = await members.server(1).convert(order);
  const [gone = 0n as NeedleId] = members.stored.keys();
  await members.remove(gone);
  for (const i of at.servers)
    await members.server(i).switchGeneration({ ...members.at(i, 2), encoding });
  for (const i of [1, 2]) {
    const read = { ...members.at(i), needle: gone, offset: 0, lengthBytes: 10 };
    expect((await members.server(i).read(read)).kind).toBe("missing");
  }
});

test("nor where the generation before was not, when the order to switch tells of it", async () => {
  const members = await packed({ k: 4, m: 2 }, 60);
  const at = stripes(4, 2);
  const { encoding } = await members.server(1).convert(orderOf(members, whole, at, 1));
  const [gone = 0n as NeedleId] = members.stored.keys();
  await members.remove(gone);
  members.stored.delete(gone);
  const removed = Buffer.alloc(8);
  removed.writeBigUInt64LE(gone);
  for (const i of at.servers)
    await members.server(i).switchGeneration({ ...members.at(i, 2), encoding, removed });
  await expectAll(members, at);
  expect((await loadStriped(members, at.servers, 4, gone)).data).toBe("missing");
});

describe("a switch takes only what was made for it", () => {
  const at = stripes(4, 2);
  const built = FILE.replace(".block", ".block.g2");
  const staged = `${built}.staged`;

  test("of a compaction: not what a conversion has left that was given up", async () => {
    const members = await packed({ k: 4, m: 2 }, 40);
    await members.server(1).convert(orderOf(members, whole, at, 1));
    expect(members.disks[1]?.paths()).toContain(staged);
    for (const i of whole.servers) await members.server(i).compact(members.at(i));
    for (const i of whole.servers) await members.server(i).switchGeneration(members.at(i, 2));
    for (const i of whole.servers)
      for (const [needle, [content]] of members.stored)
        expect(await members.load(i, needle)).toEqual(content);
    expect(members.disks[1]?.paths()).not.toContain(staged);
  });

  test("of a conversion: not what a compaction has left that was given up", async () => {
    const members = await packed({ k: 4, m: 2 }, 40);
    await members.server(1).compact(members.at(1));
    const { encoding } = await members.server(1).convert(orderOf(members, whole, at, 1));
    await members.disks[1]?.remove(staged);
    const switching = members.server(1).switchGeneration({ ...members.at(1, 2), encoding });
    await expect(switching).rejects.toMatchObject({ code: "NoSuchBlock" });
    for (const [needle, [content]] of members.stored)
      expect(await members.load(1, needle)).toEqual(content);
  });

  test("of a conversion: what a compaction has left that was given up goes", async () => {
    const members = await packed({ k: 4, m: 2 }, 40);
    await members.server(1).compact(members.at(1));
    expect(members.disks[1]?.paths()).toContain(built);
    await converted(members, whole, at);
    expect(members.disks[1]?.paths()).not.toContain(built);
  });

  test("nor does it stay where the member was made anew instead", async () => {
    const members = await packed({ k: 4, m: 2 }, 40);
    const { encoding } = await members.server(1).convert(orderOf(members, whole, at, 1));
    await members.server(1).compact(members.at(1));
    for (const i of at.servers.slice(1)) await switched(members, i, 2, encoding);
    const sources = at.servers.slice(1).map((i) => {
      return { piece: i - 1, device: members.at(i).device, address: String(i) };
    });
    const order = { ...members.at(1, 2), piece: 0, scheme: at.scheme, layout: "striped" } as const;
    await members.server(1).rebuild({ ...order, sources });
    expect(members.disks[1]?.paths().filter((path) => path.includes(".g2"))).toEqual([]);
    await expectAll(members, at);
  });
});

test("what is staged is told, also after a restart, and can be dropped", async () => {
  const members = await packed({ k: 4, m: 2 }, 60);
  const at = stripes(4, 2);
  const { encoding } = await members.server(1).convert(orderOf(members, whole, at, 1));
  const { device, block } = members.at(4);
  const waiting = [{ block, generation: 2, encoding }];
  expect(await members.server(4).staged(device)).toEqual(waiting);
  await restart(members, [4]);
  expect(await members.server(4).staged(device)).toEqual(waiting);
  await members.server(4).dropStage(members.at(4, 2));
  expect(await members.server(4).staged(device)).toEqual([]);
});

test("what is dropped while somebody asks what waits is left out, or told", async () => {
  const members = await packed({ k: 2, m: 1 }, 10);
  await members.server(1).convert(orderOf(members, whole, stripes(2, 1), 1));
  const { device } = members.at(2);
  const disk = members.disks[2];
  const open = disk?.open.bind(disk);
  if (disk === undefined || open === undefined) throw new Error("there is a disk");
  disk.open = async (path, mode) => {
    if (path.endsWith(".staged")) await disk.remove(path);
    return await open(path, mode);
  };
  expect(await members.server(2).staged(device)).toEqual([]);
});

test("a member that was removed from since it was asked does not go", async () => {
  const members = await packed({ k: 4, m: 2 }, 10);
  const { digest = 0n } = await members.server(0).inventory(members.at(0), 0n as NeedleId);
  const [gone = 0n as NeedleId] = members.stored.keys();
  await members.remove(gone);
  const order = { ...members.at(0), surplus: true } as const;
  await expect(members.server(0).retire({ ...order, digest })).rejects.toMatchObject({
    code: "Changed",
  });
  await members.server(0).retire({ ...order, digest: digest ^ gone });
  await expect(members.server(0).remove(members.at(0), [gone])).rejects.toMatchObject({
    code: "NoSuchBlock",
  });
});
