/** Stores a bare needle: content of at most one needle, durable on every member, and no metadata at all. */
import { endsWithin } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import { FREE } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { appendChunk } from "../append-chunk.ts";
import type { Slot } from "../memory-budget.ts";
import type { Placed } from "../pool-choice.ts";
import type { PutContext } from "../put.ts";
import type { Body } from "../store.ts";
import { HEAD_BYTES, putHead } from "./head.ts";
import type { Fid } from "./name.ts";

/** @throws QuarryError `Busy` when the sender takes its time while others wait for the memory. */
export async function storeBare(
  context: PutContext,
  { bytes }: Body,
  lengthBytes: number,
  bucketId: number,
  placed: Placed,
): Promise<Fid> {
  const slot = await context.budget.take(HEAD_BYTES + lengthBytes);
  let lastUse: Promise<unknown> | undefined;
  try {
    await fill(context, slot, bytes);
    putHead(slot.buffer, { bucketId, storedMs: context.clock.nowMs() });
    const owner = { blob: FREE, chunk: 0 };
    return await appendChunk(context, owner, slot.buffer, placed, (use) => {
      lastUse = use;
    });
  } finally {
    if (lastUse === undefined) slot[Symbol.dispose]();
    else void lastUse.finally(() => slot[Symbol.dispose]());
  }
}

async function fill(
  { clock, budget }: PutContext,
  { buffer }: Slot,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  const source = bytes[Symbol.asyncIterator]();
  let at = HEAD_BYTES;
  try {
    for (;;) {
      const next = source.next();
      while (!(await endsWithin(clock, next, limits.slotHoldMs)))
        if (budget.contended)
          throw new QuarryError("Busy", "the file comes too slowly while others wait: try again");
      const { done, value } = await next;
      if (done === true) break;
      if (value.length > buffer.length - at) throw wrongLength("goes on behind that");
      buffer.set(value, at);
      at += value.length;
    }
  } finally {
    await source.return?.();
  }
  if (at < buffer.length) throw wrongLength(`ended after ${at - HEAD_BYTES}`);
}

const wrongLength = (what: string) =>
  new QuarryError("InvalidArgument", `the file is not as long as announced: it ${what}`);
