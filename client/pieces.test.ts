/** Chunks of any scheme, written and read back while up to m members are away or wrong. */
import { describe, expect, test } from "vitest";
import { QuarryError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import type { Chunk } from "../rpc/objects.ts";
import { piecesOf } from "../rpc/pool.ts";
import { type Fault, owner, PieceMembers } from "../test/piece-members.ts";
import { appendChunk } from "./append-chunk.ts";
import { readWindow } from "./read-window.ts";

const schemes = [
  { k: 1, m: 0 },
  { k: 1, m: 1 },
  { k: 1, m: 2 },
  { k: 2, m: 0 },
  { k: 2, m: 1 },
  { k: 4, m: 2 },
  { k: 10, m: 4 },
];

interface Stored {
  readonly chunk: Chunk;
  readonly content: Buffer;
}

async function store(members: PieceMembers, lengthBytes: number): Promise<Stored> {
  const content = members.random.bytes(lengthBytes);
  return { chunk: await appendChunk(members.context, owner, content), content };
}

/** What comes of reading the range: right bytes, wrong ones, or a code. */
async function outcome(members: PieceMembers, of: Stored, from = 0, lengthBytes?: number) {
  const { chunk, content } = of;
  const length = lengthBytes ?? content.length - from;
  try {
    const read = await readWindow(members.context, { chunk, from, lengthBytes: length });
    return content.subarray(from, from + length).equals(read) ? "right" : "WRONG";
  } catch (error) {
    if (error instanceof QuarryError) return error.code;
    throw error;
  }
}

/** `count` different positions. */
function some(random: Random, of: number, count: number): number[] {
  const all = Array.from({ length: of }, (_, i) => i);
  return Array.from({ length: count }, () => all.splice(random.u32() % all.length, 1)[0] ?? 0);
}

const range = (random: Random, length: number) => {
  const from = random.u32() % length;
  return [from, 1 + (random.u32() % (length - from))] as const;
};

const SIZES = [1, 3, 4096, 65_536, 70_000, 400_000];

describe.each(schemes)("$k+$m", (scheme) => {
  test("random chunks and ranges come back, with any members away or wrong that may be", async () => {
    for (let seed = 1; seed <= 3; seed++) {
      await using members = await PieceMembers.open(scheme, seed);
      await members.addBlock();
      const { random } = members;
      const stored: Stored[] = [];
      for (const size of SIZES) stored.push(await store(members, size));
      stored.push(await store(members, 1 + (random.u32() % 300_000)));
      const kinds: Fault[] = ["away", "lie", "missing", "damaged", "fail"];
      for (let round = 0; round < 30; round++) {
        members.faults.clear();
        for (const position of some(random, piecesOf(scheme), random.u32() % (scheme.m + 1)))
          members.fault([position], kinds[random.u32() % kinds.length] ?? "away");
        if (random.u32() % 2 === 0) members.forget();
        const one = stored[random.u32() % stored.length];
        if (one === undefined) continue;
        const hurt = `seed ${seed}, round ${round}, ${[...members.faults.values()]}`;
        expect(await outcome(members, one), hurt).toBe("right");
        expect(await outcome(members, one, ...range(random, one.content.length)), hurt).toBe(
          "right",
        );
      }
    }
  });

  test("with one more member lost the reader is told so, and reads on when it returns", async () => {
    await using members = await PieceMembers.open(scheme, 5);
    await members.addBlock();
    const one = await store(members, 100_000);
    const cases = [
      ["away", "Unavailable"],
      ["lie", "Damaged"],
      ["missing", "Damaged"],
      ["damaged", "Damaged"],
      ["fail", "Damaged"],
    ] as const;
    for (const [fault, code] of cases) {
      members.forget();
      // Those that a range of one piece needs are among the lost.
      const lost = [0, ...some(members.random, piecesOf(scheme) - 1, scheme.m).map((at) => at + 1)];
      members.fault(lost, fault);
      expect(await outcome(members, one), fault).toBe(code);
      expect(await outcome(members, one, 0, 10), fault).toBe(code);
      members.faults.delete(members.devices[lost.at(-1) ?? 0] ?? ("" as never));
      expect(await outcome(members, one), `${fault}, and one back`).toBe("right");
      members.faults.clear();
    }
  });

  test("a member that hangs is read around, and too many of them end in an error", async () => {
    await using members = await PieceMembers.open(scheme, 6);
    await members.addBlock();
    const one = await store(members, 100_000);
    members.fault(some(members.random, piecesOf(scheme), scheme.m), "hang");
    for (let i = 0; i < 3; i++) expect(await outcome(members, one)).toBe("right");
    if (scheme.k === 1 && scheme.m === 0) return; // the connection's own deadline ends it
    members.fault([...members.devices.keys()], "hang");
    expect(await outcome(members, one)).toBe("Unavailable");
  });
});
