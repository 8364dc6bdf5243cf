/** Members of a striped block agree again: each has a copy of the index, and one range of the needles. */
import { expect, test } from "vitest";
import type { BlobId } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import { BLOCK, FILE } from "../../test/members-fixture.ts";
import { idOf, ReconcileScene } from "../../test/metadata/reconcile-scene.ts";
import { converted, loadStriped, type Where } from "../../test/striped-fixture.ts";

const NEEDLES = 12;

async function striped() {
  const random = seededRandom(3);
  const scheme = { k: 1, m: 2 };
  const it = await ReconcileScene.open(scheme, 4);
  const { members } = it;
  for (let n = 1; n <= NEEDLES; n++) {
    await it.store(n, random.bytes(20_000));
    await it.name(n);
  }
  await members.seal();
  await it.settle();
  const from: Where = { layout: "whole", scheme, generation: 1, servers: [0, 1, 2] };
  const to: Where = {
    ...{ layout: "striped", scheme: { k: 4, m: 2 }, generation: 2 },
    servers: [1, 2, 3, 4, 5, 6],
  };
  const { encoding } = await converted(members, from, to);
  const devices = to.servers.map((i) => members.at(i).device);
  const generations = { block: BLOCK, from: 1, to: 2 };
  await it.state.propose({
    ...{ type: "convertBlock", ...generations, encoding, members: devices },
    ...{ layout: "striped", scheme: to.scheme },
  });
  await it.state.propose({ type: "convertedBlock", block: BLOCK, generation: 2 });
  const load = async (n: number) => (await loadStriped(members, to.servers, 4, idOf(n))).data;
  return { it, members, to, load };
}

test("a delete that one of them missed reaches it", async () => {
  const { it, members, to } = await striped();
  await using _ = it;
  for (const i of to.servers.slice(1)) await members.server(i).remove(members.at(i, 2), [idOf(3)]);
  await it.state.propose({ type: "dropBlob", blob: 3 as BlobId });
  const queued = it.state.machine.applied;
  await it.state.propose({ type: "collected", items: [{ queued, blob: 3 as BlobId, keep: 0 }] });
  await it.look();
  for (const i of to.servers) {
    const [status] = await members.server(i).blocks(members.at(i).device, 0, 9);
    expect(status?.needles).toBe(NEEDLES - 1);
  }
});

test("one that has rotted is made anew from the others, and nothing is lost", async () => {
  const { it, members, load } = await striped();
  await using _ = it;
  const length = members.disks[3]?.contentOf(FILE)?.length ?? 0;
  const random = seededRandom(4);
  for (let flip = 0; flip < 5; flip++)
    members.disks[3]?.flip(FILE, 64 + (random.u32() % (length - 64)));
  const scrub = () => members.server(3).scrub(members.at(3).device, { bytesPerSecond: 2 ** 50 });
  expect((await scrub()).bad).toBeGreaterThan(0);
  await it.look(6);
  expect((await scrub()).bad).toBe(0);
  expect(it.losses.list()).toEqual([]);
  for (let n = 1; n <= NEEDLES; n++)
    expect(await load(n)).toEqual(members.stored.get(idOf(n))?.[0]);
});

test("with more of them rotten than there are parities it is told, and nothing wrong is served", async () => {
  const { it, members, load } = await striped();
  await using _ = it;
  for (const i of [1, 2, 3]) {
    const length = members.disks[i]?.contentOf(FILE)?.length ?? 0;
    for (let at = 64; at < length; at += 3_000) members.disks[i]?.flip(FILE, at);
    await members.server(i).scrub(members.at(i).device, { bytesPerSecond: 2 ** 50 });
  }
  await it.look(8);
  expect(it.told).toEqual([expect.stringContaining("cannot be made anew")]);
  for (let n = 1; n <= NEEDLES; n++) {
    const data = await load(n);
    if (data instanceof Buffer) expect(data).toEqual(members.stored.get(idOf(n))?.[0]);
    else expect(data).not.toBe("wrong");
  }
});
