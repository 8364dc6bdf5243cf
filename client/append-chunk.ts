/**
 * One chunk to some open block, of which all members must store it (append-to-members.ts). A block
 * that takes no more is an ordinary answer: it is reported, and the chunk goes to another.
 *
 * So it does, too, while a member lets it wait: the first block that has stored it counts, what the
 * others may store of it yet is garbage.
 */
import { crc32c } from "../base/checksum.ts";
import { type Clock, endsWithin } from "../base/clock.ts";
import { hasCode, QuarryError, unreachable } from "../base/errors.ts";
import type { DeviceId, NeedleId, NeedleOwner } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import type { OpenBlock } from "../rpc/name-service.ts";
import type { Chunk } from "../rpc/objects.ts";
import { type Answer, appendToMembers } from "./append-to-members.ts";
import type { Lent, OpenBlocks } from "./members.ts";
import type { Placed, PoolChoice } from "./pool-choice.ts";
import { type ReadContext, readWindow } from "./read-window.ts";

export interface AppendContext extends ReadContext {
  readonly openBlocks: OpenBlocks;
  readonly pools: PoolChoice;
  readonly random: Random;
}

/** One block that was asked to take the chunk. */
interface Attempt {
  readonly block: OpenBlock;
  readonly needle: NeedleId;
  readonly answer: Promise<Answer>;
  /** Members that have not answered. */
  readonly silent: ReadonlySet<DeviceId>;
}

interface Ended {
  readonly attempt: Attempt;
  readonly answer: Answer;
}

/**
 * Stores one chunk on every member of some open block. `keep` is told how long `data` is in use beyond
 * that, by members that let it wait.
 */
export async function appendChunk(
  context: AppendContext,
  owner: NeedleOwner,
  data: Uint8Array,
  placed: Placed = {},
  keep: (use: Promise<unknown>) => void = () => undefined,
): Promise<Chunk> {
  const underWay = new Set<Attempt>();
  let full = 0;
  try {
    for (let attempts = 0; attempts <= limits.retries || underWay.size > 0; ) {
      if (attempts <= limits.retries && underWay.size < limits.appendsAtOnce) {
        const lent =
          takeKnown(context, placed, data.length) ??
          (await takeBlock(context, placed, data.length, underWay.size > 0));
        if (lent !== undefined) {
          underWay.add(begin(context, lent, owner, data));
          attempts++;
        } else if (underWay.size === 0) {
          attempts++;
          continue;
        }
      }
      const ended = await firstEnd(context, underWay);
      if (ended === undefined) continue;
      const { attempt, answer } = ended;
      underWay.delete(attempt);
      const { block, needle } = attempt;
      if (answer.kind === "stored") {
        const sum = answer.crc32c ?? crc32c(data);
        return { block: block.block, needle, lengthBytes: data.length, crc32c: sum };
      }
      if (answer.kind === "full") full++;
      await report(context, block, answer);
    }
  } finally {
    if (underWay.size > 0)
      keep(Promise.all([...underWay].map((attempt) => endLate(context, attempt))));
  }
  // So many blocks are not full by chance: the devices are, though their heartbeats did not say so yet.
  if (full > limits.retries)
    throw new QuarryError("DiskFull", "no device has room: add one, or delete something");
  throw new QuarryError("Unavailable", "no block took the chunk; try again later");
}

/** A block without a shunned member, if pool and block need not be asked for. */
function takeKnown(
  { openBlocks, pools, latencies }: AppendContext,
  placed: Placed,
  lengthBytes: number,
): Lent | undefined {
  const pool = pools.known(placed, lengthBytes);
  if (pool === undefined) return undefined;
  return openBlocks.takeFit(pool, lengthBytes, (device) => latencies.isShunned(device));
}

/** Undefined: what was known of the pools has proved wrong, or no block fits that `mustFit`. */
async function takeBlock(
  { openBlocks, pools, latencies, clock }: AppendContext,
  placed: Placed,
  lengthBytes: number,
  mustFit: boolean,
): Promise<Lent | undefined> {
  const isShunned = (device: DeviceId) => latencies.isShunned(device);
  try {
    const pool = pools.known(placed, lengthBytes) ?? (await pools.poolOf(placed, lengthBytes));
    if (mustFit) {
      const known = openBlocks.takeFit(pool, lengthBytes, isShunned);
      if (known !== undefined || !(await seek(openBlocks, pool, isShunned, clock))) return known;
      return openBlocks.takeFit(pool, lengthBytes, isShunned);
    }
    return await openBlocks.take(pool, lengthBytes, isShunned);
  } catch (error) {
    if (!hasCode(error, "NoSuchPool")) throw error;
    pools.forget(); // the storage class was changed, and then the pool removed
    return undefined;
  }
}

/** Whether the nameserver has given other blocks, within a while. */
async function seek(
  openBlocks: OpenBlocks,
  pool: number,
  isShunned: (device: DeviceId) => boolean,
  clock: Clock,
): Promise<boolean> {
  const seeking = openBlocks.seek(pool, isShunned, clock);
  if (seeking === undefined) return false;
  const ended = seeking.then(() => true, refusedIsFalse);
  return (await endsWithin(clock, ended, limits.reportWaitMs)) && (await ended);
}

function refusedIsFalse(error: unknown): boolean {
  ignoreRefusal(error);
  return false;
}

function begin(context: AppendContext, lent: Lent, owner: NeedleOwner, data: Uint8Array): Attempt {
  const { block } = lent;
  const needle = context.random.needleId();
  const silent = new Set<DeviceId>();
  const send = async () => {
    try {
      return await appendToMembers(context, block, needle, owner, data, silent);
    } finally {
      lent[Symbol.dispose]();
    }
  };
  return { block, needle, answer: send(), silent };
}

/** Undefined when those under way let the chunk wait. */
async function firstEnd(
  { clock, latencies }: AppendContext,
  underWay: Set<Attempt>,
): Promise<Ended | undefined> {
  const ends = Array.from(underWay, (attempt) =>
    attempt.answer.then(
      (answer): Ended => ({ attempt, answer }),
      (error: unknown) => {
        underWay.delete(attempt);
        throw error;
      },
    ),
  );
  const first = ends.length === 1 && ends[0] !== undefined ? ends[0] : Promise.race(ends);
  if (
    underWay.size < limits.appendsAtOnce &&
    !(await endsWithin(clock, first, limits.appendLateMs))
  ) {
    for (const { silent, answer } of underWay)
      for (const device of silent) latencies.awaits(device, answer);
    return undefined;
  }
  return await first;
}

async function report(
  { openBlocks, clock }: AppendContext,
  block: OpenBlock,
  { kind, position }: Answer,
): Promise<void> {
  switch (kind) {
    case "stored":
    case "duplicate":
      return;
    case "full":
    case "sealed": {
      // Other blocks may be known that take it, also while no nameserver answers.
      const told = openBlocks.report(block, kind).catch(ignoreRefusal);
      await endsWithin(clock, told, limits.reportWaitMs);
      return;
    }
    case "missing":
    case "stale":
    case "failed": {
      // The nameserver asks the members first, which takes long when they hang.
      const told = openBlocks.report(block, "failed", position);
      if (!(await endsWithin(clock, told, limits.reportWaitMs))) told.catch(ignoreRefusal);
      return;
    }
    default:
      return unreachable(kind);
  }
}

/** The chunk is stored elsewhere, or its writer was told that it is not. */
async function endLate(context: AppendContext, { block, answer }: Attempt): Promise<void> {
  try {
    await report(context, block, await answer);
  } catch (error) {
    ignoreRefusal(error);
  }
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof QuarryError)) throw error;
}

/** Writes a stored chunk anew, into an open block. */
export async function rewriteChunk(
  context: AppendContext,
  owner: NeedleOwner,
  chunk: Chunk,
  placed: Placed = {},
): Promise<Chunk> {
  const data = Buffer.alloc(chunk.lengthBytes);
  for (let from = 0; from < data.length; from += limits.readWindowBytes) {
    const lengthBytes = Math.min(limits.readWindowBytes, data.length - from);
    data.set(await readWindow(context, { chunk, from, lengthBytes }), from);
  }
  return await appendChunk(context, owner, data, placed);
}
