import { expect, test } from "vitest";
import type { BlobId, BlockId, DeviceId, NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Chunk } from "../../rpc/objects.ts";
import { allOf } from "../../test/metadata/audit.ts";
import { commandEntry } from "../../test/metadata/command-entry.ts";
import type { AnyCommand, AnyResult } from "../command.ts";
import { KeyReader, type Tag } from "../keyspace.ts";
import { StateMachine } from "../state-machine.ts";
import { MemoryState } from "../state-memory.ts";
import { chunkRun } from "./content.ts";
import { lookup } from "./lookup.ts";

const CHUNK = limits.chunkBytes;
const BLOCK = 1 as BlockId;
const A = 1 as BlobId;
const B = 2 as BlobId;
const PAGE = limits.chunksPerPage;

/** The numbers that make up each key of a queue. */
async function queued(state: MemoryState, tag: Tag): Promise<[number, number][]> {
  return (await allOf(state, tag)).map(({ key }) => {
    const reader = new KeyReader(key);
    return [reader.u56(), key.length > 8 ? reader.u56() : 0];
  });
}

const chunksOf = (blob: BlobId, count: number): Chunk[] =>
  Array.from({ length: count }, (_, i) => ({
    block: BLOCK,
    needle: BigInt(blob * 1000 + i) as NeedleId,
    lengthBytes: CHUNK,
    crc32c: 0,
  }));

/** An object of two parts, the first of which is a blob of two pages. */
async function twoParts() {
  const state = new MemoryState();
  const machine = new StateMachine(state);
  const run = async (command: AnyCommand): Promise<AnyResult> => {
    const index = machine.applied + 1;
    const [outcome] = await machine.applyRun([commandEntry(index, index, command)]);
    if (outcome === undefined || "refusal" in outcome) throw outcome?.refusal;
    return outcome.result;
  };
  const members = ["disk" as DeviceId];
  await run({ type: "configure", holdMs: 0, pendingMs: 1000 });
  await run({ type: "leaseBlobs", count: 10 });
  await run({ type: "addBlock", block: BLOCK, generation: 1, pool: 0, members });
  await run({ type: "createBucket", bucket: "b", owner: "me" });
  const target = { bucket: "b", key: "k" };
  const begun = await run({ type: "createUpload", ...target, attributes: {} });
  const upload = begun.type === "upload" ? begun.upload : "";
  const put = async (part: number, blob: BlobId, count: number) => {
    const chunks = chunksOf(blob, count);
    const content = { blob, lengthBytes: count * CHUNK, registered: 0, chunks };
    await run({ type: "putPart", ...target, upload, part, content, etag: "e" });
    await run({
      type: "stageParts",
      ...target,
      upload,
      staged: part - 1,
      parts: [{ part, etag: "e" }],
    });
  };
  return { state, run, target, upload, put };
}

test("content of which a part was collected is gone, not shorter by it", async () => {
  const { state, run, target, upload, put } = await twoParts();
  await put(1, A, PAGE + 44);
  await put(2, B, 20);
  await run({ type: "completeUpload", ...target, upload, staged: 2, etag: "e" });
  const { pin } = await lookup(state, { ...target, offset: 0 });
  const before = CHUNK * (PAGE - 2);
  expect(chunkRun(state, pin, before).chunks).toHaveLength(2 + 44 + 18);

  // A reader still holds the pin while the object goes, page by page.
  await run({ type: "deleteObject", ...target });
  for (const [dueMs, sequence] of await queued(state, "dueQueue"))
    await run({ type: "expireTrash", items: [{ dueMs, sequence }] });
  for (const [drop] of await queued(state, "dropQueue"))
    await run({ type: "dropParts", queued: drop, parts: [1, 2], last: true });
  const [[at] = [0]] = (await queued(state, "collectQueue")).filter(([, blob]) => blob === A);
  await run({ type: "collected", items: [{ queued: at, blob: A, keep: PAGE }] });
  expect(() => chunkRun(state, pin, before)).toThrow(/deleted/);
  expect(() => chunkRun(state, pin, CHUNK * (PAGE + 2))).toThrow(/deleted/);
  expect(chunkRun(state, pin, CHUNK * (PAGE + 44)).chunks).toHaveLength(20);
});
