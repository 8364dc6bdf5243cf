/**
 * Whatever became of needles on which members, with members that go and come, leaders that change and
 * deletes that go on in between: in the end all say the same, and it is what the owners say.
 */
import { expect, test } from "vitest";
import type { BlobId } from "../../base/ids.ts";
import { type Random, seededRandom } from "../../base/random.ts";
import { FILE } from "../../test/members-fixture.ts";
import { idOf, ReconcileScene } from "../../test/metadata/reconcile-scene.ts";
import { collect } from "../workers/collect.ts";

const schemes = [
  { k: 1, m: 1 },
  { k: 1, m: 2 },
  { k: 2, m: 1 },
  { k: 4, m: 2 },
];

type Fate = "kept" | "gone";

/** A random part of the positions, at most so many. */
function some(random: Random, positions: readonly number[], most: number): number[] {
  const left = [...positions];
  const count = 1 + (random.u32() % most);
  return Array.from({ length: count }, () => left.splice(random.u32() % left.length, 1)[0] ?? 0);
}

/** One needle with something amiss, `lacking` members at most without it, and what shall become of it. */
async function amiss(
  it: ReconcileScene,
  random: Random,
  n: number,
  lacking: number,
): Promise<Fate> {
  const { k, m } = it.members.scheme;
  const all = it.members.positions();
  const bytes = random.bytes(1 + (random.u32() % 20_000));
  const without = (gone: readonly number[]) => all.filter((i) => !gone.includes(i));
  switch (random.u32() % 6) {
    case 0: // whole
      await it.store(n, bytes);
      await it.name(n);
      return "kept";
    case 1: // a member was made anew without it
      await it.store(n, bytes, without(some(random, all, lacking)));
      await it.name(n);
      return "kept";
    case 2: // a writer died; what all members have alike the sweep finds
      await it.store(n, bytes, some(random, all, k + m - 1));
      return "gone";
    case 3: // a bare one, a removal that some missed
      await it.members.store(idOf(n), bytes, all, { blob: 0 as BlobId, chunk: 0 });
      await it.members.remove(idOf(n), some(random, all, k + m));
      return "gone";
    case 4: // a bare one that a member lacks
      await it.members.store(idOf(n), bytes, without(some(random, all, lacking)), {
        ...{ blob: 0 as BlobId, chunk: 0 },
      });
      return "kept";
    default: // its delete waits, and some have done it
      await it.store(n, bytes);
      await it.name(n);
      await it.members.remove(idOf(n), some(random, all, k + m));
      await it.state.propose({ type: "dropBlob", blob: n as BlobId });
      return "gone";
  }
}

async function disturb(it: ReconcileScene, random: Random): Promise<void> {
  const { members } = it;
  const i = random.u32() % members.positions().length;
  switch (random.u32() % 5) {
    case 0:
      members.down.add(i);
      break;
    case 1:
      members.down.clear();
      break;
    case 2:
      it.newLeader();
      break;
    case 3:
      await members.server(i)[Symbol.asyncDispose]();
      await members.start(i);
      break;
    default:
  }
}

test.each(Array.from({ length: 40 }, (_, seed) => seed + 1))("seed %i", async (seed) => {
  const random = seededRandom(seed);
  const scheme = schemes[seed % schemes.length] ?? { k: 1, m: 1 };
  await using it = await ReconcileScene.open(scheme);
  const fates: Fate[] = [];
  // One member rots; the others are enough.
  const isRotten = scheme.m > 1 && random.u32() % 2 === 0;
  const lacking = isRotten ? scheme.m - 1 : scheme.m;
  for (let n = 1; n <= 12; n++) fates.push(await amiss(it, random, n, lacking));
  await it.members.seal(some(random, it.members.positions(), scheme.k + scheme.m));
  await it.settle();
  const rotten = random.u32() % it.members.positions().length;
  const file = it.members.disks[rotten]?.contentOf(FILE);
  if (isRotten && file !== undefined)
    it.members.disks[rotten]?.flip(FILE, 64 + (random.u32() % (file.length - 64)));
  const collecting = collect({ ...it, clock: it.members.clock, report: () => undefined }, 1_000);
  for (let round = 0; round < 12; round++) {
    await Promise.all([it.look(1), disturb(it, random), collecting.step()]);
  }
  it.members.down.clear();
  for (let i = 0; i < 3; i++) {
    for (const server of it.members.servers)
      for (const { device } of await server.devices())
        await server.scrub(device, { bytesPerSecond: 2 ** 40 });
    while (await collecting.step());
    await it.look(8);
  }
  // What has rotted where only one had it, down to whose it is, cannot be told from what is lost.
  if (isRotten && it.losses.list().length > 0) {
    const [loss] = it.losses.list();
    for (const { needle } of loss?.lost ?? [])
      expect(fates[fates.findIndex((_, i) => idOf(i + 1) === needle)]).toBe("gone");
    return;
  }
  const states: unknown[] = [];
  for (const [i, fate] of fates.entries())
    for (const position of it.members.positions()) {
      const found = await it.members.load(position, idOf(i + 1));
      states.push([i + 1, position, fate, found instanceof Buffer ? "kept" : found]);
    }
  for (const state of states) {
    const [n, position, fate, found] = state as [number, number, Fate, string];
    expect([n, position, found]).toEqual([n, position, fate === "kept" ? "kept" : "missing"]);
  }
});
