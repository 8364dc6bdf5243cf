/** What is read of striped blocks, in calm and in trouble. */
import { describe, expect, test } from "vitest";
import type { Chunk } from "../rpc/objects.ts";
import { type Fault, owner, PieceMembers } from "../test/piece-members.ts";
import { appendChunk } from "./append-chunk.ts";
import { readWindow } from "./read-window.ts";

const copies = { k: 1, m: 2 };
const stripes = { k: 4, m: 2 };
const SIZES = [1, 700, 4096, 4096, 4096, 65_536, 65_537, 300_000];

async function fixture(needles = 40, first = 0) {
  const members = await PieceMembers.open(copies, 5, { spare: 5 });
  await members.addBlock();
  const stored: { readonly chunk: Chunk; readonly content: Buffer }[] = [];
  for (let n = 0; n < needles; n++) {
    const content = members.random.bytes(SIZES[n % SIZES.length] ?? 1);
    stored.push({ content, chunk: await appendChunk(members.context, owner, content) });
  }
  await members.stripe(stripes, first);
  members.forget();
  members.asked.length = 0;
  return { members, stored };
}

const whole = (chunk: Chunk) => ({ chunk, from: 0, lengthBytes: chunk.lengthBytes });

describe("a striped block", () => {
  test("is read at one device, but for a few needles", async () => {
    const { members, stored } = await fixture(200);
    await using _ = members;
    const small = stored.filter(({ chunk }) => chunk.lengthBytes <= 4096);
    for (const { chunk, content } of small)
      expect(content.equals(await readWindow(members.context, whole(chunk)))).toBe(true);
    expect(members.asked.length).toBeGreaterThanOrEqual(small.length);
    expect(members.asked.length).toBeLessThan(small.length * 1.1);
  });

  test("gives ranges of long needles, reading no more than their spans", async () => {
    const { members, stored } = await fixture();
    await using _ = members;
    for (const { chunk, content } of stored.filter(
      ({ chunk: { lengthBytes } }) => lengthBytes > 70_000,
    ))
      for (const [from, to] of [
        [0, 10],
        [65_530, 65_540],
        [70_000, 299_999],
      ] as const)
        for (const faulty of [[], [0, 3]]) {
          members.faults.clear();
          members.fault(faulty, "away");
          members.forget();
          const range = { chunk, from, lengthBytes: to - from };
          const read = await readWindow(members.context, range);
          expect(content.subarray(from, to).equals(read)).toBe(true);
        }
  });

  const faults: Fault[] = ["away", "lie", "missing", "damaged", "fail", "hang", "newer"];
  test.each(faults)("is read though two members are at fault: %s", async (fault) => {
    const { members, stored } = await fixture(24);
    await using _ = members;
    for (const pair of [
      [0, 1],
      [2, 4],
      [3, 5],
    ]) {
      members.faults.clear();
      members.fault(pair, fault);
      members.forget();
      for (const { chunk, content } of stored)
        expect(content.equals(await readWindow(members.context, whole(chunk)))).toBe(true);
    }
  });

  test("with three members away is unavailable, with three damaged it is damaged", async () => {
    const { members, stored } = await fixture(24);
    await using _ = members;
    const lost = stored.find(({ chunk }) => chunk.needle % 4n === 1n && chunk.lengthBytes < 5000);
    if (lost === undefined) throw new Error("no needle in range 1");
    members.fault([0, 1, 2], "away");
    await expect(readWindow(members.context, whole(lost.chunk))).rejects.toMatchObject({
      code: "Unavailable",
    });
    members.fault([0, 1, 2], "damaged");
    members.forget();
    await expect(readWindow(members.context, whole(lost.chunk))).rejects.toMatchObject({
      code: "Damaged",
    });
  });

  test("is found by one that knew it as whole", async () => {
    const members = await PieceMembers.open(copies, 5, { spare: 5 });
    await using _ = members;
    await members.addBlock();
    const content = members.random.bytes(5000);
    const chunk = await appendChunk(members.context, owner, content);
    for (let n = 0; n < 40; n++)
      await appendChunk(members.context, owner, members.random.bytes(5000));
    await readWindow(members.context, whole(chunk));
    await members.stripe(stripes);
    expect(content.equals(await readWindow(members.context, whole(chunk)))).toBe(true);
  });
});
