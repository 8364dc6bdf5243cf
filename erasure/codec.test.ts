import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ReedSolomonErasure } from "@subspace/reed-solomon-erasure.wasm";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../base/random.ts";
import { Codec } from "./codec.ts";
import { variants } from "./kernel/kernel.ts";
import { CodecMemory } from "./memory.ts";
import { Pieces } from "./pieces.ts";
import { schemeOf } from "./scheme.ts";

interface Vector {
  readonly k: number;
  readonly m: number;
  readonly shardSize: number;
  readonly seed: number;
  readonly dataSha256: string;
  readonly parity: readonly { readonly sha256: string; readonly first32: string }[];
}

const { vectors } = JSON.parse(
  readFileSync(join(import.meta.dirname, "../test/vectors/rs/rs.json"), "utf8"),
) as { vectors: readonly Vector[] };

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** The generator that the vectors' file describes. */
function lcg(seed: number, lengthBytes: number): Buffer {
  let state = seed;
  return Buffer.from(
    Uint8Array.from({ length: lengthBytes }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    }),
  );
}

/** All subsets of 0 … count-1 with 1 to `most` members. */
function* subsets(count: number, most: number, from = 0): Generator<number[]> {
  for (let i = from; i < count && most > 0; i++) {
    yield [i];
    for (const rest of subsets(count, most - 1, i + 1)) yield [i, ...rest];
  }
}

/** Encoded random pieces, and a copy of each. */
async function filled(codec: Codec, lengthBytes: number, seed: number) {
  const pieces = codec.pieces(lengthBytes);
  const random = seededRandom(seed);
  for (let i = 0; i < codec.scheme.data; i++) pieces.at(i).set(random.bytes(lengthBytes));
  await codec.encode(pieces);
  const good = Array.from({ length: pieces.count }, (_, i) => Buffer.from(pieces.at(i)));
  return { pieces, good, random };
}

async function loseAndReconstruct(
  codec: Codec,
  { pieces, good }: { pieces: Pieces; good: readonly Buffer[] },
  missing: readonly number[],
): Promise<void> {
  for (const i of missing) pieces.at(i).fill(0xee);
  await codec.reconstruct(pieces, missing);
  for (const [i, bytes] of good.entries())
    if (!pieces.at(i).equals(bytes)) expect.fail(`piece ${i} is wrong after losing ${missing}`);
}

describe.each(variants)("%s", (variant) => {
  const memory = new CodecMemory({ variant });

  test.each(vectors)("vector $k+$m × $shardSize", async (vector) => {
    const codec = new Codec(schemeOf(vector.k, vector.m), memory);
    using pieces = codec.pieces(vector.shardSize);
    const data = lcg(vector.seed, vector.k * vector.shardSize);
    expect(sha256(data)).toBe(vector.dataSha256);
    for (let i = 0; i < vector.k; i++)
      pieces.at(i).set(data.subarray(i * vector.shardSize, (i + 1) * vector.shardSize));
    await codec.encode(pieces);
    const parity = vector.parity.map((_, i) => pieces.at(vector.k + i));
    expect(parity.map((p) => p.subarray(0, 32).toString("hex"))).toEqual(
      vector.parity.map((p) => p.first32),
    );
    expect(parity.map(sha256)).toEqual(vector.parity.map((p) => p.sha256));
  });
});

describe("losses", () => {
  const memory = new CodecMemory();

  test.each([
    [1, 2, 9],
    [2, 1, 65],
    [4, 2, 100],
    [6, 3, 37],
    [10, 4, 64],
  ])("every pattern of %i+%i comes back", async (k, m, lengthBytes) => {
    const codec = new Codec(schemeOf(k, m), memory);
    const state = await filled(codec, lengthBytes, k);
    let patterns = 0;
    for (const missing of subsets(k + m, m)) {
      await loseAndReconstruct(codec, state, missing);
      patterns++;
    }
    const choose = (n: number, c: number): number => (c === 0 ? 1 : (choose(n - 1, c - 1) * n) / c);
    const expected = Array.from({ length: m }, (_, i) => choose(k + m, i + 1));
    expect(patterns).toBe(Math.round(expected.reduce((sum, n) => sum + n, 0)));
    state.pieces[Symbol.dispose]();
  });

  test.each([
    [17, 3, 40],
    [30, 12, 40],
    [128, 128, 6],
    [250, 6, 12],
    [3, 253, 12],
    [255, 1, 12],
  ])("samples of %i+%i come back", async (k, m, samples) => {
    const codec = new Codec(schemeOf(k, m), memory);
    const state = await filled(codec, 130, k * m);
    for (let sample = 0; sample < samples; sample++) {
      const count = sample === 0 ? m : 1 + (state.random.u32() % m);
      const order = Array.from({ length: k + m }, (_, i) => [state.random.u32(), i] as const);
      const missing = order.sort((a, b) => a[0] - b[0]).map(([, i]) => i);
      await loseAndReconstruct(codec, state, missing.slice(0, count));
    }
    state.pieces[Symbol.dispose]();
  });

  test("only what is wanted is computed; what was not read counts as missing", async () => {
    const codec = new Codec(schemeOf(4, 3), memory);
    const { pieces, good } = await filled(codec, 50, 1);
    for (const i of [0, 3, 5]) pieces.at(i).fill(0);
    expect(codec.sources([0, 3, 5])).toEqual([1, 2, 4, 6]);
    await codec.reconstruct(pieces, [5, 0, 3], [3]);
    expect(pieces.at(3).equals(good[3]!)).toBe(true);
    for (const i of [0, 5]) expect(pieces.at(i).equals(Buffer.alloc(50))).toBe(true);
    pieces[Symbol.dispose]();
  });
});

/**
 * The library damages its own memory now and then (it answers that too few shards are there, or
 * reads out of bounds, when many are lost): each comparison gets a fresh instance, and its decoder
 * is asked for few losses only.
 */
test("parities and restored data equal those of the npm library", async () => {
  const memory = new CodecMemory();
  for (let seed = 1; seed <= 60; seed++) {
    const oracle = await ReedSolomonErasure.fromCurrentDirectory();
    const random = seededRandom(seed);
    const k = 2 + (random.u32() % 40);
    const m = 1 + (random.u32() % 12);
    const lengthBytes = 1 + (random.u32() % 3000);
    const codec = new Codec(schemeOf(k, m), memory);
    const { pieces, good } = await filled(codec, lengthBytes, seed);
    const shards = new Uint8Array((k + m) * lengthBytes);
    for (let i = 0; i < k; i++) shards.set(good[i]!, i * lengthBytes);
    expect(oracle.encode(shards, k, m)).toBe(ReedSolomonErasure.RESULT_OK);
    expect({ seed, same: Buffer.concat(good).equals(shards) }).toEqual({ seed, same: true });
    const lost = [0, 1].slice(0, m);
    for (const i of lost) {
      pieces.at(i).fill(0);
      shards.fill(0, i * lengthBytes, (i + 1) * lengthBytes);
    }
    const available = good.map((_, i) => !lost.includes(i));
    expect(oracle.reconstruct(shards, k, m, available)).toBe(ReedSolomonErasure.RESULT_OK);
    await codec.reconstruct(pieces, lost);
    const data = Array.from({ length: k }, (_, i) => pieces.at(i));
    expect(Buffer.concat(data).equals(shards.subarray(0, k * lengthBytes))).toBe(true);
    pieces[Symbol.dispose]();
  }
});

describe("one codec of 5+3", () => {
  const memory = new CodecMemory();
  const codec = new Codec(schemeOf(5, 3), memory);

  test("verify names the parities that any flipped byte makes wrong", async () => {
    const { pieces, random } = await filled(codec, 40_000, 4);
    expect(await codec.verify(pieces)).toEqual([]);
    for (const at of [0, 16_383, 16_384, 39_999, random.u32() % 40_000]) {
      for (const piece of [0, 4, 5, 7]) {
        const bytes = pieces.at(piece);
        bytes[at] = bytes[at]! ^ 1;
        expect(await codec.verify(pieces)).toEqual(piece < 5 ? [5, 6, 7] : [piece]);
        bytes[at] = bytes[at]! ^ 1;
      }
    }
    expect(await codec.verify(pieces, 0)).toEqual([]);
    pieces[Symbol.dispose]();
  });

  test("an update of one piece gives what encoding anew gives", async () => {
    const { pieces, random } = await filled(codec, 777, 5);
    using fresh = new Pieces(memory, 1, 777);
    for (const index of [0, 2, 4]) {
      const content = random.bytes(777);
      fresh.at(0).set(content);
      await codec.update(pieces, index, fresh);
      expect(pieces.at(index).equals(content)).toBe(true);
      expect(await codec.verify(pieces)).toEqual([]);
    }
    pieces[Symbol.dispose]();
  });

  test("an operation over the first bytes leaves the other windows' bytes alone", async () => {
    const { pieces, good } = await filled(codec, 256, 6);
    for (const i of [1, 6]) pieces.at(i).fill(0);
    await codec.reconstruct(pieces, [1, 6], [1, 6], 64);
    for (const i of [1, 6]) {
      expect(pieces.at(i).subarray(0, 64).equals(good[i]!.subarray(0, 64))).toBe(true);
      expect(pieces.at(i).subarray(64).equals(Buffer.alloc(192))).toBe(true);
    }
    pieces[Symbol.dispose]();
  });

  test("what cannot be is refused with what was given and what is needed", async () => {
    using pieces = codec.pieces(10);
    using few = new Pieces(memory, 7, 10);
    using short = new Pieces(memory, 1, 9);
    await expect(codec.encode(few)).rejects.toMatchObject({
      code: "InvalidArgument",
      message: "7 pieces are given; 5+3 needs 8",
    });
    await expect(codec.encode(pieces, 11)).rejects.toThrow(
      "11 bytes are asked of pieces that have 10",
    );
    await expect(codec.reconstruct(pieces, [0, 1, 2, 3])).rejects.toMatchObject({
      code: "TooFewPieces",
      message: "4 pieces are given; 5+3 needs 5: 4 are missing, at most 3 may be",
    });
    await expect(codec.reconstruct(pieces, [8])).rejects.toThrow("those of 5+3 are 0 … 7");
    await expect(codec.reconstruct(pieces, [1], [2])).rejects.toThrow(
      "piece 2 is wanted but not missing",
    );
    await expect(codec.update(pieces, 5, few)).rejects.toThrow("those of 5+3 are 0 … 4");
    await expect(codec.update(pieces, 0, short)).rejects.toThrow(
      "the new piece has 9 bytes; 10 are needed",
    );
    expect(() => codec.pieces(-1)).toThrow("a piece of -1 bytes cannot be");
    expect(() => pieces.at(8)).toThrow("there is no piece 8; pieces are 0 … 7");
    expect(() => new Codec({ data: 0, parity: 1 }, memory)).toThrow("k (data pieces) is 0");
  });

  test("when nothing is wanted nothing is kept, but too few pieces are refused", async () => {
    using pieces = codec.pieces(10);
    const before = memory.usedBytes;
    for (let i = 0; i < 8; i++) await codec.reconstruct(pieces, [i], []);
    expect(memory.usedBytes).toBe(before);
    await expect(codec.reconstruct(pieces, [4, 5, 6, 7], [])).rejects.toMatchObject({
      code: "TooFewPieces",
    });
  });

  test("nothing is left in the memory but the tables", () => {
    expect(memory.usedBytes).toBeLessThan(64 * 1024);
  });
});
