import { expect, test } from "vitest";
import type { BlobId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { ContentPin, NameService } from "../rpc/name-service.ts";
import { owner, PieceMembers } from "../test/piece-members.ts";
import { appendChunk } from "./append-chunk.ts";
import { readContent } from "./get.ts";
import { MemoryBudget } from "./memory-budget.ts";

const WINDOWS = 12;
const endOfTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("what is at hand is read when it is wanted, what must be waited for ahead of that", async () => {
  await using members = await PieceMembers.open({ k: 1, m: 0 }, 9);
  await members.addBlock();
  const content = Buffer.alloc(limits.chunkBytes, members.random.bytes(9999));
  const chunk = await appendChunk(members.context, owner, content);
  const slices = [{ blob: owner.blob, offset: 0, lengthBytes: 1 }];
  const pin: ContentPin = { bucket: 1, slices };
  const chunks = Array.from({ length: 3 }, () => ({
    ...{ ...chunk, blob: owner.blob as BlobId, from: 0, usedBytes: chunk.lengthBytes },
  }));
  const end = 3 * chunk.lengthBytes;
  expect(end).toBe(WINDOWS * limits.readWindowBytes);

  /** How many windows were asked for when each was given, if some come late. */
  async function asked(isLate: (window: number) => boolean): Promise<number[]> {
    let count = 0;
    const { serviceOf } = members.context;
    const context = {
      ...{ ...members.context, names: {} as NameService, readBudget: new MemoryBudget() },
      clock: { ...members.context.clock, endOfTurn },
      serviceOf: (device: Parameters<typeof serviceOf>[0]) => ({
        ...serviceOf(device),
        async read(request: Parameters<ReturnType<typeof serviceOf>["read"]>[0]) {
          const turns = isLate(count++) ? 3 : 0;
          for (let i = 0; i < turns; i++) await endOfTurn();
          return await serviceOf(device).read(request);
        },
      }),
    };
    const counts: number[] = [];
    let at = 0;
    for await (const view of readContent(context, pin, { offset: 0, end, chunks }, 0, end)) {
      expect(
        content
          .subarray(at % content.length)
          .subarray(0, view.length)
          .equals(view),
      ).toBe(true);
      at += view.length;
      counts.push(count);
      await endOfTurn();
    }
    expect(at).toBe(end);
    return counts;
  }

  expect(await asked(() => false)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  expect(await asked(() => true)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 12, 12]);
  // What was read ahead is given first, then each is read when it is wanted again.
  expect(await asked((window) => window < 4)).toEqual([3, 4, 5, 5, 5, 6, 7, 8, 9, 10, 11, 12]);
});
