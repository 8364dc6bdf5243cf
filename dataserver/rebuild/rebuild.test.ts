/** Members of a block are made anew, whole and split, in calm and in trouble. */
import { describe, expect, test } from "vitest";
import type { NeedleId, Term } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import { DIRECTORY, FILE, Members } from "../../test/members-fixture.ts";

const id = (n: number) => BigInt(n) as NeedleId;
const WHOLE = { k: 1, m: 2 };
const SPLIT = { k: 4, m: 2 };
const schemes = [WHOLE, SPLIT, { k: 2, m: 1 }];
const SIZES = [0, 1, 9, 700, 4096, 65_536, 70_001, 300_000];

async function filled(scheme: typeof WHOLE, seed = 1, needles = 12): Promise<Members> {
  const members = await Members.open(scheme);
  const random = seededRandom(seed);
  for (let n = 1; n <= needles; n++)
    await members.store(id(random.u32()), random.bytes(SIZES[random.u32() % SIZES.length] ?? 0));
  return members;
}

/** Server `i` serves piece `piece` of everything that lives, and nothing else. */
async function expectPiece(members: Members, i: number, piece: number): Promise<void> {
  for (const [needle, pieces] of members.stored)
    expect(await members.load(i, needle)).toEqual(pieces[piece]);
  const [status] = await members.server(i).blocks(members.at(i).device, 0, 10);
  expect(status).toMatchObject({ needles: members.stored.size, sealed: true, damage: [] });
  expect(status?.piece).toEqual({ piece, scheme: members.scheme });
}

describe.each(schemes)("a lost member of $k+$m", (scheme) => {
  test("is the same again, needle for needle, also after a restart", async () => {
    const members = await filled(scheme);
    const [gone] = members.stored.keys();
    await members.remove(gone ?? id(0));
    await members.seal();
    const spare = scheme.k + scheme.m;
    for (const piece of members.positions()) {
      const { status, lostCount, readBytes, writtenBytes } = await members
        .server(spare)
        .rebuild(members.order(piece, spare));
      expect(lostCount).toBe(0);
      expect(writtenBytes).toBe(status.fileBytes);
      expect(readBytes).toBeGreaterThan(0);
      await expectPiece(members, spare, piece);
      expect(await members.load(spare, gone ?? id(0))).toBe("missing");
      await members.server(spare)[Symbol.asyncDispose]();
      await members.start(spare);
      await expectPiece(members, spare, piece);
      members.disks[spare]?.plant(FILE, Buffer.alloc(0));
      await members.server(spare)[Symbol.asyncDispose]();
      await members.disks[spare]?.remove(FILE);
      await members.start(spare);
    }
  });

  test("knows of every removal, also of those that came while it was made", async () => {
    const members = await filled(scheme);
    await members.seal();
    const [early, late] = [...members.stored.keys()];
    // One member alone has heard of it.
    await members.remove(early ?? id(0), [1]);
    const spare = scheme.k + scheme.m;
    const rebuilding = members.server(spare).rebuild(members.order(0, spare));
    await members.remove(late ?? id(0), [scheme.k]);
    await rebuilding;
    await expectPiece(members, spare, 0);
    await members.server(spare)[Symbol.asyncDispose]();
    await members.start(spare);
    // Not only missing: known as removed, so that a third one made from this one knows it too.
    const { rows } = await members.server(spare).inventory(members.at(spare), id(0));
    const offsets = new Map<bigint, number>();
    for (let at = 0; at < rows.length; at += 16)
      offsets.set(Buffer.from(rows).readBigUInt64LE(at), Buffer.from(rows).readUInt32LE(at + 12));
    expect(offsets.get(early ?? 0n)).toBe(0);
    expect(offsets.get(late ?? 0n)).toBe(0);
  });

  test("is made around members that are down, harmed or lack something", async () => {
    const members = await filled(scheme);
    const spare = scheme.k + scheme.m;
    // Nobody was told that this one was stored.
    await members.store(id(77), Buffer.alloc(5000, 7), members.positions().slice(-1));
    await members.seal();
    const [harmed, other = id(0)] = [...members.stored.keys()];
    members.disks[1]?.flip(FILE, 64 + 32 + 40);
    const isOneDown = scheme.k > 1 && scheme.m > 1;
    if (isOneDown) members.down.add(2);
    const { lostCount, lost, unasked } = await members
      .server(spare)
      .rebuild(members.order(0, spare));
    expect(unasked).toEqual(isOneDown ? [members.devices[2]] : []);
    if (scheme.k === 1) {
      expect(lostCount).toBe(0);
      expect(await members.load(spare, id(77))).toEqual(Buffer.alloc(5000, 7));
    } else {
      // With one more away or harmed than there are parities something is lost, and it is said.
      expect(lost).toContain(id(77));
      for (const needle of lost) expect([id(77), harmed, other]).toContain(needle);
    }
  });
});

describe("a harmed member", () => {
  test("that is made anew while the scrub reads it counts as checked, or is read again", async () => {
    const members = await filled(WHOLE, 3, 20);
    await members.seal();
    const server = members.server(1);
    const { device } = members.at(1);
    const length = members.disks[1]?.contentOf(FILE)?.length ?? 0;
    members.disks[1]?.flip(FILE, length >> 1);
    // So slow that it waits for the clock after each read.
    const scrubbing = server.scrub(device, { bytesPerSecond: 1 });
    while ((await server.blocks(device, 0, 1))[0]?.damage.length === 0) {
      members.clock.advance(1e9);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await server.rebuild(members.order(1, 1));
    let isOver = false;
    const over = scrubbing.then(() => {
      isOver = true;
    });
    while (!isOver) {
      members.clock.advance(1e9);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await over;
    const [after] = await server.blocks(device, 0, 1);
    const isToBeRead = [...server.unread(device)].length === 1;
    expect(after?.damage).toEqual([]);
    expect(after?.checkedMs !== undefined || isToBeRead).toBe(true);
  });

  test.each(schemes)("of $k+$m is whole again in place", async (scheme) => {
    const members = await filled(scheme, 3, 20);
    await members.seal();
    const piece = scheme.k;
    const file = members.disks[piece]?.contentOf(FILE) ?? Buffer.alloc(0);
    const random = seededRandom(9);
    for (let n = 0; n < 30; n++)
      members.disks[piece]?.flip(FILE, random.u32() % file.length, 1 << (random.u32() % 8));
    const server = members.server(piece);
    await server.scrub(members.at(piece).device, { bytesPerSecond: 2 ** 40 });
    const [before] = await server.blocks(members.at(piece).device, 0, 1);
    expect(before?.damage.length).toBeGreaterThan(0);
    await server.rebuild(members.order(piece, piece));
    await expectPiece(members, piece, piece);
    const { bad } = await server.scrub(members.at(piece).device, { bytesPerSecond: 2 ** 40 });
    expect(bad).toBe(0);
    await server[Symbol.asyncDispose]();
    await members.start(piece);
    await expectPiece(members, piece, piece);
  });

  test("keeps what nobody else has, until the leader gives it up; what others have is taken from them", async () => {
    const members = await filled({ k: 1, m: 2 });
    await members.store(id(77), Buffer.alloc(5000, 7), [0]);
    await members.seal();
    const [common = id(0)] = members.stored.keys();
    const server = members.server(0);
    const file = members.disks[0]?.contentOf(FILE) ?? Buffer.alloc(0);
    members.disks[0]?.flip(FILE, file.lastIndexOf(Buffer.alloc(64, 7)));
    members.disks[0]?.flip(FILE, 64 + 32 + 40);
    await server.scrub(members.at(0).device, { bytesPerSecond: 2 ** 40 });
    const order = members.order(0, 0);
    await expect(server.rebuild(order)).rejects.toThrow("cannot be made anew");
    await expect(server.rebuild({ ...order, mayLose: [common] })).rejects.toThrow("stays as it is");
    const { lost } = await server.rebuild({ ...order, mayLose: [common, id(77)] });
    expect(lost).toEqual([id(77)]);
    members.stored.delete(id(77));
    await expectPiece(members, 0, 0);
  });

  test("that lost its superblock and its index is made anew", async () => {
    const members = await filled(SPLIT);
    await members.seal();
    await members.server(2)[Symbol.asyncDispose]();
    members.disks[2]?.flip(FILE, 20);
    await members.disks[2]?.remove(FILE.replace(".block", ".index"));
    await members.start(2);
    expect(await members.load(2, [...members.stored.keys()][0] ?? id(0))).toBe("damaged");
    await members.server(2).rebuild(members.order(2, 2));
    await expectPiece(members, 2, 2);
  });

  test("keeps what it has when the others cannot make all of it", async () => {
    const members = await filled(SPLIT, 5, 3);
    await members.seal();
    const whole = members.disks[0]?.contentOf(FILE);
    members.disks[0]?.flip(FILE, 64 + 40);
    for (const i of [1, 2, 3]) members.down.add(i);
    await expect(members.server(0).rebuild(members.order(0, 0))).rejects.toMatchObject({
      code: "TooFewPieces",
    });
    members.disks[0]?.flip(FILE, 64 + 40);
    expect(members.disks[0]?.contentOf(FILE)).toEqual(whole);
    expect(members.disks[0]?.paths().filter((path) => path.endsWith(".new"))).toEqual([]);
  });
});

describe("an order", () => {
  test("needs room, and says so before it begins", async () => {
    const members = await filled(WHOLE);
    await members.seal();
    members.disks[3]?.leaveFree(100_000);
    await members.store(id(1), Buffer.alloc(10)).catch(() => undefined);
    const rebuilding = members.server(3).rebuild(members.order(0, 3));
    await expect(rebuilding).rejects.toMatchObject({ code: "DiskFull" });
    expect(members.disks[3]?.paths().some((path) => path.includes("block"))).toBe(false);
  });

  test("of a leader that another followed is refused, also after a restart", async () => {
    const members = await filled(WHOLE, 1, 3);
    await members.seal();
    const order = members.order(0, 3, { term: 4 as Term });
    await members.server(3).rebuild(order);
    await members.server(3)[Symbol.asyncDispose]();
    await members.start(3);
    const late = { ...members.at(3), term: 3 as Term };
    const server = members.server(3);
    const stale = { code: "StaleTerm" };
    await expect(server.rebuild({ ...order, ...late })).rejects.toMatchObject(stale);
    await expect(server.retire(late)).rejects.toMatchObject(stale);
    await expect(server.remove(late, [])).rejects.toMatchObject(stale);
    await expect(server.compact(late)).rejects.toMatchObject(stale);
    await expect(server.sealBlock(late)).rejects.toMatchObject(stale);
    await expect(server.createBlock(late)).rejects.toMatchObject(stale);
    await expect(server.switchGeneration(late)).rejects.toMatchObject(stale);
    await server.remove({ ...late, term: 4 as Term }, []);
    await server.rebuild({ ...order, term: 5 as Term });
    await expectPiece(members, 3, 0);
  });

  test("is joined by the same one, and goes on under the later term", async () => {
    const members = await filled(WHOLE, 1, 30);
    await members.seal();
    const server = members.server(3);
    const order = members.order(0, 3, { term: 4 as Term });
    const first = server.rebuild(order);
    const second = server.rebuild({ ...order, term: 5 as Term });
    const another = { ...order, generation: 2, term: 5 as Term };
    await expect(server.rebuild(another)).rejects.toMatchObject({ code: "Busy" });
    expect(await server.rebuilds(members.at(3).device)).toHaveLength(1);
    expect(await second).toEqual(await first);
    expect(await server.rebuilds(members.at(3).device)).toEqual([]);
  });

  test("is given up when a later leader speaks, or when the block goes", async () => {
    const members = await filled(WHOLE, 1, 30);
    await members.seal();
    const server = members.server(3);
    const first = server.rebuild(members.order(0, 3, { term: 4 as Term }));
    await server
      .remove({ ...members.at(0), device: members.at(3).device, term: 5 as Term }, [])
      .catch(() => undefined);
    await expect(first).rejects.toMatchObject({ code: "StaleTerm" });
    const second = server.rebuild(members.order(0, 3, { term: 5 as Term }));
    await server.retire({ ...members.at(3), term: 5 as Term });
    await expect(second).rejects.toMatchObject({ code: "Cancelled" });
    const names = members.disks[3]?.paths().filter((path) => path.includes("block"));
    expect(names).toEqual([]);
  });

  test("keeps to its pace", async () => {
    const members = await Members.open(WHOLE);
    await members.store(id(1), Buffer.alloc(1_000_000, 1));
    await members.seal();
    let done = false;
    const order = members.order(0, 3, { bytesPerSecond: 1_000_000 });
    const rebuilding = members
      .server(3)
      .rebuild(order)
      .finally(() => {
        done = true;
      });
    // Read once, written once, read back once.
    let waitedMs = 0;
    for (; !done; waitedMs += 100) {
      for (let turn = 0; turn < 300; turn++) await new Promise((resolve) => setImmediate(resolve));
      members.clock.advance(100);
    }
    await rebuilding;
    expect(waitedMs).toBeGreaterThan(2_800);
    expect(waitedMs).toBeLessThan(3_600);
  });

  test("of which the sources have another piece than they should is refused", async () => {
    const members = await filled(SPLIT, 1, 2);
    await members.seal();
    const order = members.order(0, 6);
    const swapped = order.sources.map((source) => ({ ...source, piece: (source.piece + 1) % 6 }));
    await expect(members.server(6).rebuild({ ...order, sources: swapped })).rejects.toMatchObject({
      code: "TooFewPieces",
    });
    await expect(members.server(1).rebuild(members.order(0, 1))).rejects.toMatchObject({
      code: "InvalidArgument",
    });
  });
});

test("a surplus member goes with its needles, another one only when it is empty", async () => {
  const members = await filled(WHOLE, 1, 3);
  await members.seal();
  const [server, at] = [members.server(1), members.at(1)];
  await expect(server.retire(at)).rejects.toMatchObject({ code: "InvalidArgument" });
  const other = { ...at, generation: 2, surplus: true } as const;
  await expect(server.retire(other)).rejects.toMatchObject({ code: "StaleGeneration" });
  await server.retire({ ...at, surplus: true });
  await server.retire({ ...at, surplus: true });
  const blockFiles = (i: number) => members.disks[i]?.paths().filter((one) => one.includes("0007"));
  expect(blockFiles(1)).toEqual([]);
  // One without a superblock may go, too.
  await members.server(2)[Symbol.asyncDispose]();
  members.disks[2]?.flip(FILE, 20);
  await members.disks[2]?.remove(FILE.replace(".block", ".index"));
  await members.start(2);
  await members.server(2).retire({ ...members.at(2), surplus: true });
  expect(blockFiles(2)).toEqual([]);
  expect(await members.load(0, [...members.stored.keys()][0] ?? id(0))).toBeInstanceOf(Buffer);
});

test("an unfinished file is removed by the next start", async () => {
  const members = await Members.open({ k: 1, m: 0 });
  members.disks[1]?.plant(`${DIRECTORY}/00000009.block.rebuilt.new`, Buffer.alloc(100));
  await members.server(1)[Symbol.asyncDispose]();
  await members.start(1);
  expect(members.disks[1]?.paths().filter((path) => path.endsWith(".new"))).toEqual([]);
});
