/**
 * Random schemes, lengths, losses and corruption, one round a seed. A failure prints its seed:
 * `npm run fuzz -- erasure --seconds 0 --seed SEED` replays it.
 */
import { crc32c } from "../../base/checksum.ts";
import { hasCode } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { type Random, seededRandom } from "../../base/random.ts";
import { Codec } from "../../erasure/codec.ts";
import { decodeContent, encodeContent } from "../../erasure/contents.ts";
import { multiply } from "../../erasure/field.ts";
import { variants } from "../../erasure/kernel/kernel.ts";
import { parityMatrix } from "../../erasure/matrix.ts";
import { CodecMemory } from "../../erasure/memory.ts";
import { Pieces } from "../../erasure/pieces.ts";
import { type Scheme, schemeOf } from "../../erasure/scheme.ts";
import { encodeWindows, rebuildWindows } from "../../erasure/windows.ts";

const memories = variants.map((variant) => new CodecMemory({ variant }));

/** 0 … most, small numbers more often than large ones. */
const upTo = (random: Random, most: number): number =>
  random.u32() % ((random.u32() % (most + 1)) + 1);

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

/** One round; throws when anything is not as it must be. */
export async function fuzzErasure(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const data = 1 + upTo(random, random.u32() % 8 === 0 ? 254 : 20);
  const scheme = schemeOf(data, 1 + upTo(random, Math.min(255 - data, 40)));
  const memory = memories[random.u32() % memories.length] as CodecMemory;
  const codec = new Codec(scheme, memory);
  const content = random.bytes(upTo(random, random.u32() % 4 === 0 ? 300_000 : 5000));
  const found = await encodeContent(codec, content, (pieces) =>
    Array.from({ length: pieces.count }, (_, i) => Buffer.from(pieces.at(i))),
  );
  checkColumn(scheme, found, random);
  await losses(codec, content, found, random);
  await windows(codec, found, random);
  await update(codec, found, random);
}

/** One column of the parities, from the definition. */
function checkColumn(scheme: Scheme, found: readonly Buffer[], random: Random): void {
  const length = found[0]?.length ?? 0;
  if (length === 0) return;
  const at = random.u32() % length;
  parityMatrix(scheme).forEach((row, r) => {
    const sum = row.reduce((all, factor, c) => all ^ multiply(factor, found[c]?.[at] ?? 0), 0);
    check(found[scheme.data + r]?.[at] === sum, `parity ${r} at ${at}`);
  });
}

async function losses(
  codec: Codec,
  content: Buffer,
  found: readonly Buffer[],
  random: Random,
): Promise<void> {
  const bad = new Set<number>();
  const pieces = found.map((bytes, i) => {
    const crc = crc32c(bytes);
    const fate = random.u32() % Math.max(4, Math.floor((3 * found.length) / codec.scheme.parity));
    if (fate > 1 || (fate === 1 && bytes.length === 0)) return { bytes, crc32c: crc };
    bad.add(i);
    if (fate === 0) return undefined;
    const damaged = Buffer.from(bytes);
    const at = random.u32() % bytes.length;
    damaged[at] = (damaged[at] ?? 0) ^ (1 + (random.u32() % 255));
    return { bytes: damaged, crc32c: crc };
  });
  try {
    const decoded = await decodeContent(codec, pieces, content.length);
    check(bad.size <= codec.scheme.parity, "too many losses were decoded");
    check(decoded.equals(content), `decoded otherwise without ${[...bad]}`);
  } catch (error) {
    if (!hasCode(error, "TooFewPieces") || bad.size <= codec.scheme.parity) throw error;
  }
}

/** Parities and lost pieces by windows of a random length. */
async function windows(codec: Codec, found: readonly Buffer[], random: Random): Promise<void> {
  const { data, parity } = codec.scheme;
  const pieceBytes = found[0]?.length ?? 0;
  const options = { pieceBytes, windowBytes: Math.ceil(pieceBytes / 8) + upTo(random, 5000) + 1 };
  const made = found.map((bytes, i) => (i < data ? bytes : Buffer.alloc(pieceBytes)));
  await encodeWindows(
    codec,
    made.slice(0, data).map(pieceOf),
    made.slice(data).map(pieceOf),
    options,
  );
  check(
    made.every((bytes, i) => bytes.equals(found[i] ?? bytes)),
    "parities by windows",
  );
  const lost = Array.from(
    { length: 1 + (random.u32() % parity) },
    () => random.u32() % made.length,
  );
  const restored = new Map(lost.map((i) => [i, Buffer.alloc(pieceBytes)] as const));
  await rebuildWindows(
    codec,
    found.map((bytes, i) => (restored.has(i) ? undefined : pieceOf(bytes))),
    new Map([...restored].map(([i, bytes]) => [i, pieceOf(bytes)])),
    options,
  );
  for (const [i, bytes] of restored)
    check(bytes.equals(found[i] ?? bytes), `piece ${i} by windows`);
}

const pieceOf = (bytes: Buffer) => ({
  read: async (target: Uint8Array, offset: number) =>
    bytes.copy(target, 0, offset, offset + target.length),
  write: async (parts: readonly Uint8Array[], offset: number) =>
    bytes.set(Buffer.concat(parts), offset),
});

async function update(codec: Codec, found: readonly Buffer[], random: Random): Promise<void> {
  const pieceBytes = found[0]?.length ?? 0;
  using pieces = codec.pieces(pieceBytes);
  using fresh = new Pieces(codec.memory, 1, pieceBytes);
  for (const [i, bytes] of found.entries()) pieces.at(i).set(bytes);
  fresh.at(0).set(random.bytes(pieceBytes));
  await codec.update(pieces, random.u32() % codec.scheme.data, fresh);
  check((await codec.verify(pieces)).length === 0, "parities after an update");
}

/** Rounds from `firstSeed` on, for a time; returns how many. The seed of a failure is printed. */
export async function fuzzFor(durationMs: number, firstSeed: number): Promise<number> {
  const end = performance.now() + durationMs;
  let seed = firstSeed;
  do {
    try {
      await fuzzErasure(seed);
    } catch (error) {
      throw new Error(`replay: npm run fuzz -- erasure --seconds 0 --seed ${seed}`, {
        cause: error,
      });
    }
    seed++;
  } while (performance.now() < end);
  for (const memory of memories)
    check(memory.usedBytes <= limits.erasureTableBytes, "nothing is kept but the tables");
  return seed - firstSeed;
}
