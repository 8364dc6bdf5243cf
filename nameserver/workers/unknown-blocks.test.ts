/** Devices that return with blocks of which the metadata knows that they went, or nothing. */
import { expect, test } from "vitest";
import type { BlobId } from "../../base/ids.ts";
import type { BlockAddress, RetireOrder } from "../../rpc/block-service.ts";
import { BLOCK } from "../../test/members-fixture.ts";
import { idOf, ReconcileScene } from "../../test/metadata/reconcile-scene.ts";
import { firstGeneration } from "../block-ids.ts";
import { packChunks } from "../chunk-codec.ts";
import { keys } from "../keyspace.ts";
import { checkForgotten } from "../planner/forgotten.ts";
import { retire } from "../planner/kinds/retire.ts";
import { heldBy } from "../planner/reconcile-need.ts";
import type { RunContext } from "../planner/run-context.ts";
import { read } from "../queries/read.ts";
import { encodeRow } from "../row-codec.ts";
import { compactBlocks } from "./compaction.ts";
import { clearUnknown } from "./unknown-blocks.ts";

const SPARE = 2;
const piece = { piece: 0, scheme: { k: 1, m: 1 } };

/** A block of two members, and a third device that was one once, and away since: it has a needle. */
async function scene(generation = 1) {
  const it = await ReconcileScene.open({ k: 1, m: 1 }, 1);
  const { members } = it;
  const away = members.at(SPARE, generation);
  await members.server(SPARE).createBlock(away, piece);
  const request = { ...away, needle: idOf(1), owner: { blob: 1 as BlobId, chunk: 0 } };
  const none = { lengthBytes: 0, checksums: new Uint32Array(0) };
  expect(await members.server(SPARE).append({ ...request, ...none }, Buffer.alloc(0))).toEqual({
    kind: "stored",
  });
  const context = {
    ...it,
    clock: members.clock,
    report: (line: string) => void it.told.push(line),
  };
  const clearing = clearUnknown(context, { stock: it.puller.stock, lookMs: 1_000 });
  const look = async () => {
    await it.look(1);
    while (await clearing.step());
  };
  /** As the planner does it. */
  const { device } = members.at(SPARE);
  const base = { block: BLOCK, generation: 1, spare: 0, bytes: 0, targets: [], readers: [] };
  const letGo = () =>
    retire(
      {
        confirmLeading: async () => undefined,
        rowOf: () => it.row,
        isNeeded: () => true,
        removedAt: () => read(it.state.store, keys.removedBlock(BLOCK))?.generation ?? 0,
        checkForgotten: (address: BlockAddress) => checkForgotten(context, it.blocks, address),
        retire: (order: RetireOrder) => it.blocks.retire({ ...order, surplus: true }),
      } as unknown as RunContext,
      { ...base, kind: "retire", device, held: { generation } },
    );
  const spareHas = async () => (await it.blocks.blocks(members.at(SPARE).device, 0, 9)).length;
  const remove = async () => {
    await members.seal();
    await it.settle();
    await it.state.propose({ type: "removeBlock", block: BLOCK, generation: 1 });
    for (const i of members.positions()) await members.server(i).retire(members.at(i));
  };
  return { it, look, spareHas, remove, context, letGo };
}

test("a removed block goes, too, on a device that was away", async () => {
  const { it, spareHas, remove, letGo } = await scene();
  await using _ = it;
  await remove();
  await letGo();
  expect(await spareHas()).toBe(0);
});

test("it stays when an object names a needle of it, and while restored metadata may not know", async () => {
  const { it, spareHas, remove, letGo } = await scene();
  await using _ = it;
  await remove();
  const blob = 1 as BlobId;
  const key = keys.blob(blob);
  const keyBytes = Buffer.from(key, "latin1");
  const chunk = { block: BLOCK, needle: idOf(1), lengthBytes: 0, crc32c: 1 };
  const head = { refs: 1, length: 0, chunks: 1, inline: packChunks([chunk]) };
  await it.state.store.write([{ key, keyBytes, value: encodeRow(keyBytes, head) }]);
  await expect(letGo()).rejects.toThrow("blob 1 names a needle of it");
  await it.state.store.write([{ key, keyBytes }]);
  await it.state.propose({ type: "recovered", skipBlobs: 1, keepOrphansMs: 2 ** 45 });
  await expect(letGo()).rejects.toThrow("kept for now");
  expect(await spareHas()).toBe(1);
});

test("what the metadata has never known is left alone; empty, and seen twice, it goes", async () => {
  const { it, look, spareHas, remove, letGo } = await scene(2);
  await using _ = it;
  await remove();
  for (let i = 0; i < 4; i++) await look();
  await letGo();
  expect(await spareHas()).toBe(1);
  const { members } = it;
  await members.server(SPARE).remove(members.at(SPARE, 2), [idOf(1)]);
  await look();
  expect(await spareHas()).toBe(1);
  await look();
  expect(await spareHas()).toBe(0);
  // From now on nobody can add it.
  expect(read(it.state.store, keys.removedBlock(BLOCK))).toEqual({ generation: 2 });
});

test("in the next life of a block nobody of the life before answers for it", async () => {
  const { it, remove, context } = await scene();
  await using _ = it;
  const { members } = it;
  // What was built there and never switched to would be the next generation.
  await members.server(SPARE).sealBlock(members.at(SPARE));
  await members.server(SPARE).compact(members.at(SPARE));
  await remove();
  const generation = firstGeneration(read(it.state.store, keys.removedBlock(BLOCK)));
  const scheme = { k: 1, m: 1 };
  const [a, b, spare] = members.devices as [never, never, never];
  for (const i of [0, 1])
    await members.server(i).createBlock(members.at(i, generation), { piece: i, scheme });
  const at = { block: BLOCK, generation };
  await it.state.propose({ type: "addBlock", ...at, pool: 0, scheme, members: [a, b] });
  for (const i of [0, 1]) {
    const append = { ...members.at(i, generation), needle: idOf(2), lengthBytes: 0 };
    const more = { owner: { blob: 2 as BlobId, chunk: 0 }, checksums: new Uint32Array(0) };
    expect(await members.server(i).append({ ...append, ...more }, Buffer.alloc(0))).toEqual({
      kind: "stored",
    });
  }
  await it.name(2, 0);
  const late = members.server(SPARE);
  const append = { ...members.at(SPARE, generation), needle: idOf(3), lengthBytes: 0 };
  const more = { owner: { blob: 3 as BlobId, chunk: 0 }, checksums: new Uint32Array(0) };
  expect(await late.append({ ...append, ...more }, Buffer.alloc(0))).toEqual({ kind: "stale" });
  const switching = late.switchGeneration(members.at(SPARE, generation));
  await expect(switching).rejects.toMatchObject({ code: "StaleGeneration" });
  // An old fid misses in the new life.
  for (const i of [0, 1]) expect(await members.load(i, idOf(1))).toBe("missing");
  for (const i of [0, 1]) await members.server(i).sealBlock(members.at(i, generation));
  await it.state.propose({ type: "sealBlock", ...at });
  await it.state.propose({ type: "settleBlock", ...at, afterMs: 0 });
  // Also when it is made a member before anything was made there, it is not taken for one.
  await it.state.propose({ type: "moveMember", ...at, position: 1, from: b, to: spare });
  await it.look(2);
  const row = it.row;
  expect(row && [...heldBy(it.puller.stock, BLOCK, row).keys()]).toEqual([a]);
  const compaction = compactBlocks(context, { lookMs: 1, garbageShare: 0 });
  while (await compaction.step());
  expect(it.row?.generation).toBe(generation);
  const sources = [{ piece: 0, device: a, address: "0" }];
  const order = { ...members.at(SPARE, generation), piece: 1, scheme, layout: "whole" } as const;
  await late.rebuild({ ...order, sources });
  expect(await members.load(SPARE, idOf(1))).toBe("missing");
  expect(await members.load(SPARE, idOf(2))).toEqual(Buffer.alloc(0));
});
