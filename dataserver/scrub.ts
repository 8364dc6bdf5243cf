/**
 * Re-reads blocks from the disk and checks every byte of their files, at a settable pace. What is
 * found is noted on the block and reported with file, offset and needle.
 */
import { payloadPool } from "../base/buffer-pool.ts";
import { type Clock, sleep } from "../base/clock.ts";
import type { DiskFile } from "../base/disk.ts";
import type { BlockId } from "../base/ids.ts";
import type { Block } from "./block.ts";
import { readCheckpoint } from "./index-file.ts";
import type { Damage } from "./report.ts";
import { checkStripe } from "./striped/check.ts";
import type { Stripe } from "./striped/stripe.ts";
import { encodeSuperblock, SUPERBLOCK_BYTES } from "./superblock.ts";
import { type Step, walk } from "./walk.ts";

export interface ScrubOptions {
  /** Bytes read in a second, over all. */
  readonly bytesPerSecond: number;
  /** Stops after the read under way. */
  readonly signal?: AbortSignal;
}

export interface ScrubResult {
  readonly blocks: number;
  readonly bytes: number;
  /** Places that are damaged, known before or not. */
  readonly bad: number;
}

const zeros = Buffer.alloc(256 * 1024);

/** Shorter waits are saved up. */
const SHORTEST_WAIT_MS = 10;

interface Run {
  readonly block: Block;
  readonly file: DiskFile;
  readonly afterRead: (bytes: number) => Promise<void>;
  readonly signal: AbortSignal | undefined;
}

/** `current`: those that the device has now; one may be made anew while it is read. */
export async function scrubBlocks(
  blocks: Iterable<Block>,
  clock: Clock,
  options: ScrubOptions,
  current: ReadonlyMap<BlockId, Block>,
): Promise<ScrubResult> {
  const { bytesPerSecond, signal } = options;
  const result = { blocks: 0, bytes: 0, bad: 0 };
  let owedMs = 0;
  const afterRead = async (bytes: number) => {
    result.bytes += bytes;
    owedMs += (bytes / bytesPerSecond) * 1000;
    if (owedMs < SHORTEST_WAIT_MS) return;
    const waitMs = owedMs;
    owedMs = 0;
    await sleep(clock, waitMs, signal);
  };
  for (const block of blocks) {
    if (signal?.aborted) break;
    const { checks, files } = block.home;
    const { block: id } = block.superblock;
    const nowMs = clock.nowMs();
    const before = checks.of(id, block.generation);
    result.bad += await files.use(block.path, (file) =>
      scrubBlock({ block, file, afterRead, signal }),
    );
    if (signal?.aborted) break;
    // What was found in the file before says nothing of the one that took its place.
    if (current.get(id) === block)
      checks.wasRead(block.superblock, block.damage.length === 0, nowMs, before);
    result.blocks++;
  }
  return result;
}

async function scrubBlock(run: Run): Promise<number> {
  const endBytes = run.block.settledBytes;
  if (run.block.stripe !== undefined) return await scrubStriped(run, run.block.stripe, endBytes);
  let bad = await scrubSuperblock(run);
  bad += await scrubRecords(run, endBytes);
  bad += await scrubEnd(run);
  bad += await scrubIndexFile(run);
  return bad;
}

async function scrubStriped(run: Run, stripe: Stripe, endBytes: number): Promise<number> {
  const { block, file, afterRead, signal } = run;
  let bad = 0;
  const found = async (damage: Damage, what: string) => {
    bad++;
    await block.noteDamage(damage, what);
  };
  await checkStripe(file, stripe, found, afterRead, () => signal?.aborted !== true);
  bad += await scrubRecords(run, endBytes, stripe.geometry.recordsAt);
  bad += await scrubEnd(run);
  bad += await scrubIndexFile(run);
  return bad;
}

async function scrubSuperblock({ block, file, afterRead }: Run): Promise<number> {
  const found = Buffer.alloc(SUPERBLOCK_BYTES);
  await file.read(found, 0);
  await afterRead(SUPERBLOCK_BYTES);
  if (found.equals(encodeSuperblock(block.superblock))) return 0;
  await block.noteDamage({ offset: 0, lengthBytes: SUPERBLOCK_BYTES }, "the superblock");
  return 1;
}

async function scrubRecords(run: Run, to: number, from = SUPERBLOCK_BYTES): Promise<number> {
  const { block, file, afterRead, signal } = run;
  const walked = { file, block: block.superblock.block, seed: block.seed, from, to, afterRead };
  let bad = 0;
  for await (const step of walk(walked)) {
    if (signal?.aborted === true) return bad;
    bad += step.bad.length;
    await noteStep(block, step);
  }
  const fileBytes = await file.lengthBytes();
  if (fileBytes >= to) return bad;
  await block.noteDamage({ offset: fileBytes, lengthBytes: to - fileBytes }, "the end");
  return bad + 1;
}

async function noteStep(block: Block, step: Step): Promise<void> {
  for (const damage of step.bad) {
    // Of a lost header only the index still knows whose it was.
    const needle = step.header?.needle ?? block.index.needleAt(step.offset)?.needle;
    await block.noteDamage(damage, "a record", needle === 0n ? undefined : needle);
  }
}

/**
 * Behind the last record there is nothing, or zeros written ahead. An append that came meanwhile is no
 * damage, nor one that found no room and was cut off again: so what is found must be there twice.
 */
async function scrubEnd(run: Run): Promise<number> {
  const { block } = run;
  const { tailBytes } = block;
  let lengthBytes = 0;
  for (let look = 0; look < 2; look++) {
    lengthBytes = await filledBehind(run, tailBytes);
    if (lengthBytes === 0 || block.tailBytes !== tailBytes) return 0;
  }
  await block.noteDamage({ offset: tailBytes, lengthBytes }, "the room behind the last record");
  return 1;
}

/** How many bytes stand behind an offset, when not all of them are zero. */
async function filledBehind({ file, afterRead }: Run, offset: number): Promise<number> {
  const fileBytes = await file.lengthBytes();
  const window = payloadPool.take(zeros.length);
  try {
    for (let at = offset; at < fileBytes; at += window.length) {
      const got = await file.read(window, at);
      await afterRead(got);
      if (!window.subarray(0, got).equals(zeros.subarray(0, got))) return fileBytes - offset;
      if (got < window.length) break;
    }
    return 0;
  } finally {
    payloadPool.give(window);
  }
}

async function scrubIndexFile({ block, afterRead }: Run): Promise<number> {
  const { disk, report } = block.home;
  const found = await readCheckpoint(disk, block.indexPath);
  if (found === "missing") return 0;
  if (found !== "damaged") {
    await afterRead(found.rows.count * 16);
    return 0;
  }
  const path = block.indexPath;
  report({ kind: "index-rebuilt", path, message: `${path} is damaged; it is made anew` });
  await block.remakeCheckpoint();
  return 1;
}
