/**
 * Reed-Solomon: the sizes between which our kernel stays flat, and where the worker pool begins to pay.
 * `node bench/erasure.ts`; beside the npm library it is measured by `quarry bench --micro erasure`.
 *
 * Figures are data bytes (k × piece) a second, the best of several runs: what the code can do, not
 * what else the machine did meanwhile.
 */
import { seededRandom } from "../base/random.ts";
import { Codec } from "../erasure/codec.ts";
import { CodecMemory } from "../erasure/memory.ts";
import type { Pieces } from "../erasure/pieces.ts";
import { WorkerPool } from "../erasure/pool.ts";
import { type Scheme, schemeOf } from "../erasure/scheme.ts";

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

async function sizes(scheme: Scheme): Promise<void> {
  const codec = new Codec(scheme, new CodecMemory());
  console.log("10+4 encode, GB/s, one core");
  for (const size of [64, 128, 256, 512, 1024]) {
    using pieces = codec.pieces(size * KiB);
    fill(pieces, scheme);
    const value = await rate(scheme.data * size * KiB, () => codec.encode(pieces));
    console.log(`${size} KiB`.padEnd(22), show(value));
  }
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

await sizes(schemeOf(10, 4));
await border();
