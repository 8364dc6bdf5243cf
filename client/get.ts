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

/** Tries the members in turn; one member's "not found" is never final. */
export async function readWindow(context: GetContext, window: Window): Promise<Uint8Array> {
  const problems: string[] = [];
  for (let round = 0; round < 2; round++) {
    for (const device of await context.locations.members(window.chunk.block)) {
      const result = await readFromMember(context, device, window);
      if (typeof result !== "string") return result;
      problems.push(result);
    }
    context.locations.forget(window.chunk.block);
  }
  const { block, needle } = window.chunk;
  throw new QuarryError(
    "Damaged",
    `no member can give needle ${needle.toString(16)} of block ${block}: ${problems.join("; ")}`,
  );
}

/** The bytes, or in words why this member cannot give them. */
async function readFromMember(
  context: GetContext,
  device: DeviceId,
  window: Window,
): Promise<Uint8Array | string> {
  const { chunk, from, lengthBytes } = window;
  const { block, needle } = chunk;
  try {
    const reply = await context
      .serviceOf(device)
      .read({ device, block, needle, offset: from, lengthBytes });
    if (reply.kind === "missing") return `${device} misses the ${reply.what}`;
    if (reply.kind === "damaged") return `${device}: ${reply.detail}`;
    if (reply.needleBytes !== chunk.lengthBytes)
      return `${device} has ${reply.needleBytes} bytes instead of ${chunk.lengthBytes}`;
    const bad = firstBadSpan(block, needle, reply.needleBytes, reply.data, reply.checksums);
    if (bad >= 0) return `${device}: wrong bytes in span ${bad} behind ${reply.offset}`;
    const start = from - reply.offset;
    if (start < 0 || start + lengthBytes > reply.data.length) return `${device} gave too little`;
    return reply.data.subarray(start, start + lengthBytes);
  } catch (error) {
    if (hasCode(error, "DiskFailed", "NoSuchDevice", "Unavailable", "Timeout", "Damaged"))
      return error.message;
    throw error;
  }
}
