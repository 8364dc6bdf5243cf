/**
 * Reading bytes: windows of needles, some ahead of the reader while there is memory for it, each
 * verified here against the checksums that the writer made. A wrong byte is never given on.
 */
import { payloadPool } from "../base/buffer-pool.ts";
import { hasCode, QuarryError } from "../base/errors.ts";
import type { DeviceId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { ChunkRun, ContentPin, NameService } from "../rpc/name-service.ts";
import { firstBadSpan } from "../rpc/needle-checksums.ts";
import { ContentCursor, type Window } from "./content-cursor.ts";
import type { Locations, ServiceOf } from "./members.ts";
import type { MemoryBudget } from "./memory-budget.ts";

export interface GetContext {
  readonly names: NameService;
  readonly serviceOf: ServiceOf;
  readonly locations: Locations;
  readonly readBudget: MemoryBudget;
}

interface Ahead {
  readonly reading: Promise<Uint8Array>;
  readonly reserved: Disposable | undefined;
}

/**
 * Bytes [offset, offset + lengthBytes) of some content. `first` is the run a look-up brought.
 * A reader always gets one small window, so that many slow readers cannot stop another; larger
 * windows and those ahead come out of the memory budget.
 */
export async function* readContent(
  context: GetContext,
  pin: ContentPin,
  first: ChunkRun | undefined,
  offset: number,
  lengthBytes: number,
): AsyncGenerator<Uint8Array> {
  const cursor = new ContentCursor(context.names, pin, first, offset, offset + lengthBytes);
  const ahead: Ahead[] = [];
  try {
    for (;;) {
      while (!cursor.done && ahead.length < limits.readAhead) {
        const reserved = context.readBudget.tryReserve(limits.readWindowBytes);
        if (reserved === undefined && ahead.length > 0) break;
        const maxBytes = reserved ? limits.readWindowBytes : limits.readWindowMinBytes;
        ahead.push(startReading(context, await cursor.next(maxBytes), reserved));
      }
      const head = ahead.shift();
      if (head === undefined) return;
      using _reserved = head.reserved;
      const bytes = await head.reading;
      yield bytes;
      // The reader asked for more, so it is done with these. One that stops early may not be.
      payloadPool.give(bytes);
    }
  } finally {
    await Promise.allSettled(ahead.map((one) => one.reading));
    for (const one of ahead) one.reserved?.[Symbol.dispose]();
  }
}

function startReading(
  context: GetContext,
  window: Window,
  reserved: Disposable | undefined,
): Ahead {
  const reading = readWindow(context, window);
  reading.catch(() => undefined); // thrown to the reader when its turn comes
  return { reading, reserved };
}

/**
 * Tries the members in turn; one member's "not found" is never final.
 * @throws QuarryError `Unavailable` when a member that may have the bytes is away, else `Damaged`.
 */
export async function readWindow(context: GetContext, window: Window): Promise<Uint8Array> {
  const troubles: Trouble[] = [];
  for (let round = 0; round < 2; round++) {
    for (const device of await context.locations.members(window.chunk.block)) {
      const result = await readFromMember(context, device, window);
      if (result instanceof Uint8Array) return result;
      troubles.push(result);
    }
    context.locations.forget(window.chunk.block);
  }
  const { block, needle } = window.chunk;
  const problems = [...new Set(troubles.map(({ what }) => what))].join("; ");
  throw new QuarryError(
    troubles.some(({ isAway }) => isAway) ? "Unavailable" : "Damaged",
    `no member can give needle ${needle.toString(16)} of block ${block}: ${problems}`,
  );
}

/** Why a member cannot give the bytes; one that is away may have them. */
interface Trouble {
  readonly what: string;
  readonly isAway: boolean;
}

const trouble = (what: string): Trouble => ({ what, isAway: false });

/** The bytes, or why this member cannot give them. */
async function readFromMember(
  context: GetContext,
  device: DeviceId,
  window: Window,
): Promise<Uint8Array | Trouble> {
  const { chunk, from, lengthBytes } = window;
  const { block, needle } = chunk;
  try {
    const reply = await context
      .serviceOf(device)
      .read({ device, block, needle, offset: from, lengthBytes });
    if (reply.kind === "missing") return trouble(`${device} misses the ${reply.what}`);
    if (reply.kind === "damaged") return trouble(`${device}: ${reply.detail}`);
    if (reply.needleBytes !== chunk.lengthBytes)
      return trouble(`${device} has ${reply.needleBytes} bytes instead of ${chunk.lengthBytes}`);
    const bad = firstBadSpan(block, needle, reply.needleBytes, reply.data, reply.checksums);
    if (bad >= 0) return trouble(`${device}: wrong bytes in span ${bad} behind ${reply.offset}`);
    const start = from - reply.offset;
    if (start < 0 || start + lengthBytes > reply.data.length)
      return trouble(`${device} gave too little`);
    return reply.data.subarray(start, start + lengthBytes);
  } catch (error) {
    if (hasCode(error, "DiskFailed", "NoSuchDevice", "Unavailable", "Timeout", "Damaged"))
      return { what: error.message, isAway: hasCode(error, "Unavailable", "Timeout") };
    throw error;
  }
}
