/**
 * Reed-Solomon: our kernel beside the npm library on one core, the sizes between which it stays
 * flat, and where the worker pool begins to pay. `node bench/erasure.ts [encode|pool]`
 *
 * Figures are data bytes (k × piece) a second, the best of several runs: what the code can do, not
 * what else the machine did meanwhile.
 */
import { ReedSolomonErasure } from "@subspace/reed-solomon-erasure.wasm";
import { seededRandom } from "../base/random.ts";
import { Codec } from "../erasure/codec.ts";
import { type Variant, variants } from "../erasure/kernel/kernel.ts";
import { CodecMemory } from "../erasure/memory.ts";
import type { Pieces } from "../erasure/pieces.ts";
import { WorkerPool } from "../erasure/pool.ts";
import { pieceCount, type Scheme, schemeOf, showScheme } from "../erasure/scheme.ts";

const KiB = 1024;
const RUNS = 100;
/** Short, so that some runs have the core to themselves. */
const RUN_MS = 8;

/** Gigabytes a second of work that handles `bytes` a call. */
async function rate(bytes: number, work: () => unknown): Promise<number> {
  let best = 0;
  for (let run = 0; run <= RUNS; run++) {
    const start = performance.now();
    let calls = 0;
    let elapsedMs = 0;
    do {
      const done = work();
      if (done instanceof Promise) await done;
      calls++;
      elapsedMs = performance.now() - start;
    } while (elapsedMs < RUN_MS);
    if (run > 0) best = Math.max(best, (calls * bytes) / elapsedMs / 1e6);
  }
  return best;
}

const show = (value: number) => value.toFixed(2).padStart(7);

function fill(pieces: Pieces, scheme: Scheme): void {
  const random = seededRandom(1);
  for (let i = 0; i < scheme.data; i++) pieces.at(i).set(random.bytes(pieces.lengthBytes));
}

async function ours(scheme: Scheme, pieceBytes: number, variant: Variant) {
  const memory = new CodecMemory({ variant });
  const codec = new Codec(scheme, memory);
  using pieces = codec.pieces(pieceBytes);
  fill(pieces, scheme);
  const bytes = scheme.data * pieceBytes;
  const lost = (count: number) => Array.from({ length: count }, (_, i) => i * 2);
  return {
    encode: await rate(bytes, () => codec.encode(pieces)),
    one: await rate(bytes, () => codec.reconstruct(pieces, lost(1))),
    all: await rate(bytes, () =>
      codec.reconstruct(pieces, lost(Math.min(scheme.parity, scheme.data / 2))),
    ),
    verify: await rate(bytes, () => codec.verify(pieces)),
  };
}

async function library(scheme: Scheme, pieceBytes: number) {
  const { data, parity } = scheme;
  const coder = await ReedSolomonErasure.fromCurrentDirectory();
  const shards = new Uint8Array(pieceCount(scheme) * pieceBytes);
  shards.set(seededRandom(1).bytes(data * pieceBytes));
  const available = Array.from({ length: data + parity }, (_, i) => i % 2 === 1 || i >= 2 * parity);
  const bytes = data * pieceBytes;
  return {
    encode: await rate(bytes, () => coder.encode(shards, data, parity)),
    all: await rate(bytes, () => coder.reconstruct(shards, data, parity, available)),
  };
}

async function compare(): Promise<void> {
  console.log("GB/s, one core           encode   lose 1    lose m   verify");
  for (const [k, m] of [
    [10, 4],
    [4, 2],
    [6, 3],
    [17, 3],
    [100, 28],
  ] as const) {
    const scheme = schemeOf(k, m);
    const sizes = k === 10 ? [64, 128, 256, 512, 1024] : [256];
    for (const size of sizes) {
      const figures = await ours(scheme, size * KiB, "relaxed");
      const label = `${showScheme(scheme)} ${size} KiB`.padEnd(22);
      console.log(label, ...Object.values(figures).map((value) => ` ${show(value)}`));
    }
  }
  const scheme = schemeOf(10, 4);
  for (const variant of variants.slice(1)) {
    const figures = await ours(scheme, 256 * KiB, variant);
    const label = `10+4 256 KiB ${variant}`.padEnd(22);
    console.log(label, ...Object.values(figures).map((value) => ` ${show(value)}`));
  }
  const figures = await library(scheme, 256 * KiB);
  console.log("10+4 256 KiB library  ", ` ${show(figures.encode)}           ${show(figures.all)}`);
}

async function border(): Promise<void> {
  const scheme = schemeOf(10, 4);
  const memory = new CodecMemory();
  await using pool = new WorkerPool(memory, 1);
  const direct = new Codec(scheme, memory);
  const pooled = new Codec(scheme, memory, pool, 0);
  console.log("10+4 encode, microseconds a call      calling thread   pool of 1");
  for (const size of [1, 4, 8, 16, 32, 64, 128, 256, 1024]) {
    using pieces = direct.pieces(size * KiB);
    fill(pieces, scheme);
    const microseconds = async (codec: Codec) =>
      1e3 / (await rate(1e6, () => codec.encode(pieces)));
    const alone = await microseconds(direct);
    const handed = await microseconds(pooled);
    console.log(`${`${size} KiB`.padEnd(40)} ${show(alone)}        ${show(handed)}`);
  }
}

const wanted = process.argv[2];
if (wanted !== "pool") await compare();
if (wanted !== "encode") await border();
