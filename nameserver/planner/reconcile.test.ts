/** Members of settled blocks agree again, on real dataservers, and each side is checked from the other. */
import { describe, expect, test } from "vitest";
import type { BlobId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { seededRandom } from "../../base/random.ts";
import { BLOCK, FILE } from "../../test/members-fixture.ts";
import { idOf, ReconcileScene } from "../../test/metadata/reconcile-scene.ts";

const random = seededRandom(1);
const content = (bytes = 5_000) => random.bytes(bytes);
const schemes = [
  { k: 1, m: 2 },
  { k: 4, m: 2 },
];

/** What every member serves of a needle. */
async function served(scene: ReconcileScene, n: number): Promise<(string | number)[]> {
  const loads = scene.members.positions().map((i) => scene.members.load(i, idOf(n)));
  return (await Promise.all(loads)).map((one) => (typeof one === "string" ? one : one.length));
}

async function expectWhole(scene: ReconcileScene, n: number): Promise<void> {
  for (const i of scene.members.positions())
    expect(await scene.members.load(i, idOf(n)), `needle ${n} of member ${i}`).toEqual(
      scene.members.stored.get(idOf(n))?.[i],
    );
}

describe.each(schemes)("members of a block of $k+$m", (scheme) => {
  /** Three needles that are named, everywhere. */
  async function scene() {
    const made = await ReconcileScene.open(scheme);
    for (const n of [1, 2, 3]) {
      await made.store(n, content());
      await made.name(n);
    }
    return made;
  }
  const missing = () => scheme.k + scheme.m;

  test("that missed a delete lose it", async () => {
    await using it = await scene();
    await it.settle();
    await it.members.seal();
    await it.members.remove(idOf(2), it.members.positions().slice(1));
    // The queue's entry was ended by whoever believed that all had confirmed.
    await it.state.propose({ type: "dropBlob", blob: 2 as BlobId });
    const queued = it.state.machine.applied;
    await it.state.propose({ type: "collected", items: [{ queued, blob: 2 as BlobId, keep: 0 }] });
    await it.look();
    expect(await served(it, 2)).toEqual(new Array(missing()).fill("missing"));
    await expectWhole(it, 1);
    expect(it.told).toEqual([expect.stringContaining("1 needles that nobody names were removed")]);
  });

  test("that have what a dead writer left lose it, but not while collection sees to it", async () => {
    await using it = await scene();
    await it.store(9, content(), it.members.positions().slice(0, 1));
    await it.members.remove(idOf(3), [1]);
    await it.state.propose({ type: "dropBlob", blob: 3 as BlobId });
    await it.settle();
    await it.members.seal();
    await it.look();
    expect(await served(it, 9)).toEqual(new Array(missing()).fill("missing"));
    expect((await served(it, 3)).filter((one) => one === "missing")).toHaveLength(1);
  });

  test("that lack what its owner names are made anew", async () => {
    await using it = await scene();
    const last = missing() - 1;
    await it.store(4, content(), it.members.positions());
    await it.name(4);
    const pieces = it.members.stored.get(idOf(4));
    await it.store(5, content(), it.members.positions().slice(0, last));
    await it.name(5);
    await it.settle();
    await it.members.seal();
    await it.look();
    expect(pieces).toBeDefined();
    await expectWhole(it, 4);
    expect(await served(it, 5)).not.toContain("missing");
    expect(it.losses.list()).toEqual([]);
  });

  test("that a reader found rotten verify it themselves, and are made anew", async () => {
    await using it = await scene();
    await it.settle();
    await it.members.seal();
    it.members.disks[1]?.flip(FILE, 64 + 32 + 40);
    // Nobody has looked yet: by what it reports all is well.
    await it.look();
    expect(await it.members.load(1, idOf(1))).toBe("wrong");
    it.needleReports.add(BLOCK, 1, idOf(1), "wrong");
    await it.look(6);
    for (const n of [1, 2, 3]) await expectWhole(it, n);
    expect(it.losses.list()).toEqual([]);
  });

  test("are not compared before the block is settled; one that is open is sealed first", async () => {
    await using it = await scene();
    await it.store(9, content(), [0]);
    it.members.disks[1]?.flip(FILE, 64 + 32 + 40);
    it.needleReports.add(BLOCK, 1, idOf(1), "wrong");
    await it.look();
    expect(it.sealed).toEqual([BLOCK]);
    expect((await served(it, 9))[0]).not.toBe("missing");
  });

  test("say what is lost, once, by its owner; while one is away nothing is", async () => {
    await using it = await scene();
    const few = it.members.positions().slice(0, scheme.k - 1);
    await it.store(7, content(), few);
    if (scheme.k > 1) await it.name(7);
    await it.settle();
    await it.members.seal();
    if (scheme.k === 1) for (const disk of it.members.disks) disk.flip(FILE, 64 + 32 + 40);
    for (const i of it.members.positions()) it.needleReports.add(BLOCK, i, idOf(1), "wrong");
    it.members.down.add(missing() - 1);
    await it.look(6);
    expect(it.losses.list()).toEqual([]);
    it.members.down.clear();
    for (const i of it.members.positions()) it.needleReports.add(BLOCK, i, idOf(1), "wrong");
    await it.look(6);
    const n = scheme.k === 1 ? 1 : 7;
    const owner = { blob: n, chunk: 0 };
    expect(it.losses.list()).toEqual([
      expect.objectContaining({
        block: BLOCK,
        lost: [{ needle: idOf(n), owner, pieces: scheme.k - 1 }],
        lostCount: 1,
      }),
    ]);
    expect(it.told.filter((one) => one.includes("are lost"))).toHaveLength(1);
    // Who leads next finds it out again.
    it.losses.forget(BLOCK);
    it.newLeader();
    await it.look(6);
    expect(it.losses.of(BLOCK)?.lostCount).toBe(1);
    // When the object is deleted nothing is lost any more, and what has rotted is mended.
    const blob = n as BlobId;
    await it.state.propose({ type: "dropBlob", blob });
    const queued = it.state.machine.applied;
    await it.members.remove(idOf(n));
    await it.state.propose({ type: "collected", items: [{ queued, blob, keep: 0 }] });
    it.members.clock.advance(1_000_000);
    await it.look(20);
    expect(it.losses.list()).toEqual([]);
    for (const i of it.members.positions())
      expect((await it.blocks.blocks(it.members.at(i).device, 0, 9))[0]?.damage).toEqual([]);
  });

  test("keep what nobody names while older metadata may not know it", async () => {
    await using it = await scene();
    await it.store(9, content(), [0]);
    await it.settle();
    await it.members.seal();
    await it.state.propose({ type: "recovered", skipBlobs: 1, keepOrphansMs: 2 ** 45 });
    await it.look();
    expect((await served(it, 9))[0]).not.toBe("missing");
  });
});

describe("a bare needle", () => {
  const scheme = { k: 1, m: 2 };
  const free = { blob: 0 as BlobId, chunk: 0 };

  test("of which one member knows that it was removed goes everywhere; another one is made whole", async () => {
    await using it = await ReconcileScene.open(scheme);
    await it.members.store(idOf(1), content(), [0, 1, 2], free);
    await it.members.store(idOf(2), content(), [0, 1], free);
    await it.members.seal();
    await it.settle();
    await it.members.remove(idOf(1), [2]);
    await it.look();
    expect(await served(it, 1)).toEqual(["missing", "missing", "missing"]);
    expect(await served(it, 2)).toEqual([5_000, 5_000, 5_000]);
  });
});

describe("a needle of which too few good pieces are left", () => {
  /** Needle 1 is the first record of those who have it, with its header gone where it is rotten. */
  async function rotten(at: readonly number[], has: readonly number[]) {
    const it = await ReconcileScene.open({ k: 1, m: 2 });
    await it.store(1, content(), [...has]);
    for (let n = 2; n <= 4; n++) {
      await it.store(n, content());
      await it.name(n);
    }
    await it.members.seal();
    for (const i of at) {
      it.members.disks[i]?.flip(FILE, 64 + 4);
      const { device } = it.members.at(i);
      await it.members.server(i).scrub(device, { bytesPerSecond: 2 ** 50 });
    }
    return it;
  }
  const longMs = limits.giveUpMs + limits.reconcileRestMs;
  const damage = async (it: ReconcileScene, i: number) =>
    (await it.blocks.blocks(it.members.at(i).device, 0, 9))[0]?.damage.length;

  test("is left out in the end; one that nobody names is not told as lost any more", async () => {
    await using it = await rotten([0], [0]);
    await it.settle();
    await it.look();
    expect(it.losses.of(BLOCK)?.lostCount).toBe(1);
    it.members.clock.advance(limits.giveUpMs / 2);
    await it.look();
    expect(await damage(it, 0)).toBeGreaterThan(0);
    it.members.clock.advance(longMs);
    await it.look(20);
    expect(await damage(it, 0)).toBe(0);
    expect(it.losses.list()).toEqual([]);
    for (let n = 2; n <= 4; n++) expect(await served(it, n)).toEqual([5_000, 5_000, 5_000]);
  });

  test("is told still when it is named, also by who leads next", async () => {
    await using it = await rotten([0, 1, 2], [0, 1, 2]);
    await it.name(1);
    await it.settle();
    await it.look();
    it.members.clock.advance(longMs);
    await it.look(20);
    for (const i of [0, 1, 2]) expect(await damage(it, i)).toBe(0);
    expect(it.told.filter((one) => one.includes("is given up"))).toHaveLength(3);
    expect(it.losses.of(BLOCK)).toMatchObject({ lost: [{ needle: idOf(1) }], unknownCount: 0 });
    it.losses.forget(BLOCK);
    it.newLeader();
    await it.look(20);
    expect(it.losses.of(BLOCK)).toMatchObject({ unknownCount: 1 });
  });

  test("is mended, not left out, while one member has it", async () => {
    await using it = await rotten([0, 1], [0, 1, 2]);
    await it.name(1);
    await it.settle();
    await it.look(20);
    expect(await served(it, 1)).toEqual([5_000, 5_000, 5_000]);
    expect(it.losses.list()).toEqual([]);
  });

  test("stays while a member is away, however long", async () => {
    await using it = await rotten([0], [0]);
    await it.settle();
    await it.look();
    it.members.down.add(2);
    it.members.clock.advance(longMs);
    await it.look(20);
    expect(await damage(it, 0)).toBeGreaterThan(0);
  });
});

test("the objects of which something is lost are found by name", async () => {
  await using it = await ReconcileScene.open({ k: 1, m: 1 });
  const { propose } = it.state;
  await propose({ type: "createBucket", bucket: "b", owner: "me" });
  await propose({ type: "configure", holdMs: 0, pendingMs: 1_000_000 });
  for (const n of [1, 2, 3]) await it.store(n, content());
  const object = (n: number, key: string) => {
    const chunks = [{ block: BLOCK, needle: idOf(n), lengthBytes: 5_000, crc32c: 1 }];
    const blob = { blob: n as BlobId, lengthBytes: 5_000, registered: 0, chunks };
    const attributes = { etag: "e" };
    return propose({ type: "putObject", bucket: "b", key, content: blob, attributes });
  };
  await object(1, "first");
  await object(2, "second/ü");
  await it.members.seal();
  await it.settle();
  for (const disk of it.members.disks) disk.flip(FILE, 64 + 32 + 40);
  for (const i of it.members.positions()) it.needleReports.add(BLOCK, i, idOf(1), "wrong");
  await it.look(8);
  const [loss] = it.losses.list();
  expect(loss?.lost).toEqual([
    expect.objectContaining({ needle: idOf(1), object: { bucket: "b", key: "first" } }),
  ]);
});

test("what the metadata counts and no member knows is lost, and told as such", async () => {
  await using it = await ReconcileScene.open({ k: 1, m: 1 });
  await it.store(1, content());
  await it.name(1);
  await it.name(2);
  await it.members.seal();
  await it.settle();
  await it.look(10);
  expect(it.losses.of(BLOCK)).toMatchObject({ lostCount: 0, unknownCount: 1 });
});

test("a member that goes while it is compared is compared when it is back", async () => {
  await using it = await ReconcileScene.open({ k: 1, m: 1 });
  await it.store(1, content(), [1]);
  await it.store(2, content());
  await it.name(2);
  await it.members.seal();
  await it.settle();
  let times = 0;
  it.onAsked = (name) => {
    // It answers the nameserver's pulls, and is gone when it is asked for the comparing.
    if (name === "blocks" && times++ < 2) it.members.down.add(1);
  };
  await it.look(3);
  it.onAsked = () => undefined;
  it.members.down.clear();
  await it.look(4);
  expect(await served(it, 1)).toEqual(["missing", "missing"]);
});

test("a member that was away when the block was sealed refuses appends before it is compared", async () => {
  await using it = await ReconcileScene.open({ k: 1, m: 1 });
  await it.store(1, content(), [1]);
  await it.members.seal([0]);
  await it.settle();
  await it.look();
  await expect(it.store(2, content(), [1])).rejects.toThrow("sealed");
  expect(await served(it, 1)).toEqual(["missing", "missing"]);
});

test("healing that is paused does nothing, and goes on when it may", async () => {
  await using it = await ReconcileScene.open({ k: 1, m: 1 });
  await it.store(1, content(), [0]);
  await it.members.seal();
  await it.settle();
  it.settings = { ...it.settings, paused: true };
  await it.look();
  expect(await served(it, 1)).toEqual([5_000, "missing"]);
  it.settings = { ...it.settings, paused: false };
  await it.look();
  expect(await served(it, 1)).toEqual(["missing", "missing"]);
});
