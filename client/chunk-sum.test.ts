import { expect, test } from "vitest";
import type { BlobId } from "../base/ids.ts";
import type { ContentPin, NameService } from "../rpc/name-service.ts";
import type { Chunk } from "../rpc/objects.ts";
import { hastyClock, owner, PieceMembers } from "../test/piece-members.ts";
import { appendChunk } from "./append-chunk.ts";
import { readContent } from "./get.ts";
import { Latencies } from "./latencies.ts";
import { MemoryBudget } from "./memory-budget.ts";

const MiB = 1024 * 1024;
const pin: ContentPin = { bucket: 1, slices: [{ blob: 1 as BlobId, offset: 0, lengthBytes: 1 }] };

async function read(members: PieceMembers, chunk: Chunk, offset: number): Promise<Buffer> {
  const names = {} as NameService;
  const context = { ...members.context, names, readBudget: new MemoryBudget() };
  const end = chunk.lengthBytes;
  const run = { offset: 0, end, chunks: [{ ...chunk, from: 0, usedBytes: end }] };
  const parts: Buffer[] = [];
  for await (const view of readContent(context, pin, run, offset, end - offset))
    parts.push(Buffer.from(view));
  return Buffer.concat(parts);
}

test("a chunk of many windows whose pieces do not give it is found out at its end", async () => {
  await using members = await PieceMembers.open({ k: 4, m: 2 }, 9);
  await members.addBlock();
  const content = Buffer.alloc(3 * MiB + 5, members.random.bytes(9999));
  const chunk = await appendChunk(members.context, owner, content);
  const latencies = new Latencies({ ...hastyClock, monotonicMs: () => 0 });
  members.context = { ...members.context, latencies };
  members.fault([1, 2], "away");
  expect(content.equals(await read(members, chunk, 0))).toBe(true);
  expect(content.subarray(7).equals(await read(members, chunk, 7))).toBe(true);
  const asked = members.asked.splice(0);
  // Now that they are known to be away each piece of the others is read once.
  expect(content.equals(await read(members, chunk, 0))).toBe(true);
  expect(members.asked).toHaveLength(4);
  expect(asked.length).toBeGreaterThan(8);
  const other = { ...chunk, crc32c: chunk.crc32c ^ 1 };
  await expect(read(members, other, 0)).rejects.toMatchObject({ code: "Damaged" });
  // Of a part of it nothing can be said.
  expect(content.subarray(7).equals(await read(members, other, 7))).toBe(true);
});
