/**
 * One bit flipped in a file of a store at rest. Whatever file and bit: the store says what is
 * damaged, or nothing was. A wrong byte is never served, an object never silently gone.
 */
import { createHash } from "node:crypto";
import { cp, mkdtemp, open, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { hasCode, QuarryError } from "../../base/errors.ts";
import { type Random, seededRandom } from "../../base/random.ts";
import { openClient } from "../../client/open-servers.ts";
import type { Store } from "../../client/store.ts";

const BUCKET = "flips";
const OBJECTS = 120;

export interface FlipCounts {
  readonly flips: number;
  readonly files: number;
  /** The store did not open and said which file is damaged. */
  refused: number;
  /** It opened, and reads or its report named the damage. */
  named: number;
  /** The bit meant nothing: all is there and right. */
  harmless: number;
  lost: number;
  wrong: number;
  violations: number;
  readonly complaints: string[];
}

const contentOf = (index: number) =>
  Buffer.alloc(index % 10 === 0 ? 150_000 + index : 300 + index * 7, `object ${index} `);

async function fill(store: Store): Promise<void> {
  await store.names.execute({ type: "createBucket", bucket: BUCKET, owner: "me" });
  for (let i = 0; i < OBJECTS; i++) {
    const content = contentOf(i);
    const body = { bytes: once(content), lengthBytes: content.length };
    const etag = createHash("md5").update(content).digest("hex");
    await store.put({ bucket: BUCKET, key: `k${i}` }, body, () => ({ etag }));
  }
}

async function* once(content: Buffer) {
  yield content;
}

async function filesUnder(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((e) => join(e.parentPath, e.name));
  const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size));
  return files.filter((_, i) => (sizes[i] ?? 0) > 0).sort();
}

/** `rounds` flips, spread over all files; small offsets more often, where headers are. */
export async function bitFlips(options: {
  readonly rounds: number;
  readonly seed: number;
}): Promise<FlipCounts> {
  const random = seededRandom(options.seed);
  const pristine = await mkdtemp(join(tmpdir(), "quarry-flips-"));
  try {
    {
      await using store = await openClient(pristine);
      await fill(store);
    }
    // A second opening leaves files of all kinds: tables, a manifest that was read, checkpoints.
    {
      await using store = await openClient(pristine);
      await store.names.execute({ type: "createBucket", bucket: "second", owner: "me" });
    }
    const files = await filesUnder(pristine);
    const counts: FlipCounts = {
      flips: options.rounds,
      files: files.length,
      refused: 0,
      named: 0,
      harmless: 0,
      lost: 0,
      wrong: 0,
      violations: 0,
      complaints: [],
    };
    for (let round = 0; round < options.rounds; round++) {
      const path = files[round % files.length] ?? "";
      await flipOnce(pristine, relative(pristine, path), random, counts);
    }
    counts.violations = counts.lost + counts.wrong;
    return counts;
  } finally {
    await rm(pristine, { recursive: true, force: true });
  }
}

async function flipOnce(
  pristine: string,
  path: string,
  random: Random,
  counts: FlipCounts,
): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), "quarry-flip-"));
  try {
    await cp(pristine, scratch, { recursive: true });
    const where = await flip(join(scratch, path), random);
    const reports: string[] = [];
    const what = `${path} byte ${where.offset} bit ${where.bit}`;
    let store: Store;
    try {
      store = await openClient({ directories: [scratch], report: (line) => reports.push(line) });
    } catch (error) {
      if (error instanceof QuarryError && error.message.length > 10) counts.refused++;
      else fail(counts, "wrong", `${what}: refused without words: ${String(error)}`);
      return;
    }
    await using opened = store;
    await readAll(opened, what, reports, counts);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function flip(path: string, random: Random): Promise<{ offset: number; bit: number }> {
  await using file = await open(path, "r+");
  const { size } = await file.stat();
  const near = random.u32() % 3 === 0 ? Math.min(size, 256) : size;
  const offset = random.u32() % near;
  const bit = random.u32() % 8;
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, offset);
  byte[0] = (byte[0] ?? 0) ^ (1 << bit);
  await file.write(byte, 0, 1, offset);
  return { offset, bit };
}

async function readAll(
  store: Store,
  what: string,
  reports: readonly string[],
  counts: FlipCounts,
): Promise<void> {
  let damaged = 0;
  for (let i = 0; i < OBJECTS; i++) {
    try {
      const opened = await store.open({ bucket: BUCKET, key: `k${i}`, offset: 0 });
      const parts: Buffer[] = [];
      for await (const view of opened.read(0, opened.object.lengthBytes))
        parts.push(Buffer.from(view));
      if (!Buffer.concat(parts).equals(contentOf(i)))
        fail(counts, "wrong", `${what}: k${i} is wrong`);
    } catch (error) {
      if (hasCode(error, "Damaged")) damaged++;
      else fail(counts, "lost", `${what}: k${i}: ${String(error)}`);
    }
  }
  if (damaged > 0 || reports.length > 0) counts.named++;
  else counts.harmless++;
}

function fail(counts: FlipCounts, how: "lost" | "wrong", complaint: string): void {
  counts[how]++;
  if (counts.complaints.length < 20) counts.complaints.push(complaint);
}
