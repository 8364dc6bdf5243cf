/**
 * Reading bytes: windows of needles, some ahead of the reader while there is memory for it, each
 * verified here against the checksums that the writer made. A wrong byte is never given on.
 */
import { payloadPool } from "../base/buffer-pool.ts";
import { QuarryError } from "../base/errors.ts";
import type { BlockId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { ContentPin, NameService } from "../rpc/name-service.ts";
import { ChunkSum } from "./chunk-sum.ts";
import { ContentCursor, type ReadableRun, type Window } from "./content-cursor.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { type ReadContext, readWindow } from "./read-window.ts";

export interface GetContext extends ReadContext {
  readonly names: NameService;
  readonly readBudget: MemoryBudget;
}

interface Ahead {
  readonly window: Window;
  readonly reading: Promise<Uint8Array>;
  readonly reserved: Disposable | undefined;
}

/**
 * Bytes [offset, offset + lengthBytes) of some content. `first` is the run a look-up brought.
 * A reader always gets one small window, so that many slow readers cannot stop another; larger
 * windows and those ahead come out of the memory budget. `isKept`: the reader keeps what it is given.
 */
export async function* readContent(
  context: GetContext,
  pin: ContentPin,
  first: ReadableRun | undefined,
  offset: number,
  lengthBytes: number,
  isKept = false,
): AsyncGenerator<Uint8Array> {
  const cursor = new ContentCursor(context.names, pin, first, offset, offset + lengthBytes);
  const ahead: Ahead[] = [];
  const sum = new ChunkSum();
  try {
    for (;;) {
      while (!cursor.done && ahead.length < limits.readAhead) {
        const most = windowBytes(context, (await cursor.chunk()).block);
        const wantedBytes = Math.min(most, cursor.leftBytes);
        const reserved = context.readBudget.tryReserve(wantedBytes);
        if (reserved === undefined && ahead.length > 0) break;
        const maxBytes = reserved ? wantedBytes : limits.readWindowMinBytes;
        ahead.push(startReading(context, await cursor.next(maxBytes), reserved));
      }
      const head = ahead.shift();
      if (head === undefined) return;
      using _reserved = head.reserved;
      const bytes = await head.reading;
      const { chunk } = head.window;
      if (context.locations.known(chunk.block)?.layout === "split" && !sum.add(head.window, bytes))
        throw new QuarryError("Damaged", `what was read of block ${chunk.block} is not the chunk`);
      yield bytes;
      // The reader asked for more, so it is done with these. One that stops early may not be.
      if (!isKept) payloadPool.give(bytes);
    }
  } finally {
    for (const read of await Promise.allSettled(ahead.map((one) => one.reading)))
      if (read.status === "fulfilled") payloadPool.give(read.value);
    for (const one of ahead) one.reserved?.[Symbol.dispose]();
  }
}

/**
 * All of a range that is one window of one needle, as every small object is: without what it takes to
 * read on. Every reader may have one such window, beyond the memory budget.
 */
export function readShort(
  context: GetContext,
  run: ReadableRun | undefined,
  offset: number,
  lengthBytes: number,
): Promise<Uint8Array> | undefined {
  const [chunk] = run?.chunks ?? [];
  if (run === undefined || chunk === undefined || lengthBytes === 0) return undefined;
  const from = offset - run.offset;
  if (lengthBytes > limits.readWindowMinBytes || from < 0) return undefined;
  if (from + lengthBytes > chunk.usedBytes) return undefined;
  // Of a needle in pieces it is known where they are, and then its chunk is summed, too.
  if (context.locations.known(chunk.block)?.layout !== "whole") return undefined;
  return readWindow(context, { chunk, from: chunk.from + from, lengthBytes });
}

/**
 * A window of one piece that is lost takes the same range of k others, and so do the windows of these:
 * with all in one window each is read once.
 */
function windowBytes({ locations, latencies }: GetContext, block: BlockId): number {
  const known = locations.known(block);
  if (known?.layout !== "split") return limits.readWindowBytes;
  const data = known.members.slice(0, known.scheme.k);
  const isWhole = data.every((device) => device !== null && !latencies.isShunned(device));
  return isWhole ? limits.readWindowBytes : limits.chunkBytes;
}

function startReading(
  context: GetContext,
  window: Window,
  reserved: Disposable | undefined,
): Ahead {
  const reading = readWindow(context, window);
  reading.catch(() => undefined); // thrown to the reader when its turn comes
  return { window, reading, reserved };
}
