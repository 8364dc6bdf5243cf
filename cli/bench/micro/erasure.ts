/** Reed-Solomon: our kernel beside the npm library, bytes of data a second. */
import { seededRandom } from "../../../base/random.ts";
import { Codec } from "../../../erasure/codec.ts";
import { type Variant, variants } from "../../../erasure/kernel/kernel.ts";
import { CodecMemory } from "../../../erasure/memory.ts";
import { pieceCount, type Scheme, schemeOf, showScheme } from "../../../erasure/scheme.ts";
import { besides, type Case, type Micro, OURS, type Way } from "./micro.ts";

const PIECE_BYTES = 256 * 1024;
const schemes = [
  [4, 2],
  [6, 3],
  [10, 4],
  [17, 3],
  [100, 28],
] as const;
/** With which the library and the simpler kernels are compared. */
const USUAL = "10+4";
const LIBRARY = "@subspace/reed-solomon-erasure.wasm";

/** As much of the library as is used here. */
interface Coder {
  encode(shards: Uint8Array, data: number, parity: number): number;
  reconstruct(shards: Uint8Array, data: number, parity: number, there: boolean[]): number;
}

interface Library {
  readonly ReedSolomonErasure: { fromCurrentDirectory(): Promise<Coder> };
}

/** One piece is lost, or as many as there are parities. */
const jobs = ["encode", "rebuild-one", "rebuild", "verify"] as const;
type Job = (typeof jobs)[number];

export const erasure: Micro = {
  what: "encoding and rebuilding beside the npm library",
  async open() {
    const found = await besides<Library>(LIBRARY);
    const coder = await found?.ReedSolomonErasure.fromCurrentDirectory();
    return {
      cases: schemes.flatMap(([k, m]) => jobs.map((job) => caseOf(schemeOf(k, m), job, coder))),
      [Symbol.asyncDispose]: async () => undefined,
    };
  },
};

function caseOf(scheme: Scheme, job: Job, coder: Coder | undefined): Case {
  const [best = "relaxed", ...simpler] = variants;
  const ways = [ours(scheme, job, best, OURS)];
  if (showScheme(scheme) === USUAL) {
    if (coder !== undefined && (job === "encode" || job === "rebuild"))
      ways.push(theirs(coder, scheme, job));
    for (const variant of simpler) ways.push(ours(scheme, job, variant, `… ${variant}`));
  }
  const bytes = scheme.data * PIECE_BYTES;
  return { name: `erasure-${job}-${showScheme(scheme)}`, lanes: 1, bytes, ways };
}

/** As many as there are parities, every second one. */
const lostOf = ({ data, parity }: Scheme) =>
  Array.from({ length: Math.min(parity, Math.floor(data / 2)) }, (_, i) => i * 2);

function ours(scheme: Scheme, job: Job, variant: Variant, name: string): Way {
  const codec = new Codec(scheme, new CodecMemory({ variant }));
  const pieces = codec.pieces(PIECE_BYTES);
  const random = seededRandom(1);
  for (let i = 0; i < scheme.data; i++) pieces.at(i).set(random.bytes(PIECE_BYTES));
  const lost = lostOf(scheme);
  const run = {
    encode: () => codec.encode(pieces),
    "rebuild-one": () => codec.reconstruct(pieces, [0]),
    rebuild: () => codec.reconstruct(pieces, lost),
    verify: () => codec.verify(pieces),
  }[job];
  return { name, run };
}

function theirs(coder: Coder, scheme: Scheme, job: "encode" | "rebuild"): Way {
  const { data, parity } = scheme;
  const shards = new Uint8Array(pieceCount(scheme) * PIECE_BYTES);
  shards.set(seededRandom(1).bytes(data * PIECE_BYTES));
  const lost = new Set(lostOf(scheme));
  const run = {
    encode: () => coder.encode(shards, data, parity),
    rebuild: () => {
      const there = Array.from({ length: data + parity }, (_, i) => !lost.has(i));
      return coder.reconstruct(shards, data, parity, there);
    },
  }[job];
  return { name: "npm library", run };
}
