/**
 * One chunk to every member of an open block (INV-2). A block that takes no more is an ordinary
 * answer: it is reported, and the chunk goes to another.
 */
import { crc32c } from "../base/checksum.ts";
import { hasCode, QuarryError } from "../base/errors.ts";
import type { DeviceId, NeedleOwner } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import type { AppendReply } from "../rpc/block-service.ts";
import { filled, type OpenBlock } from "../rpc/name-service.ts";
import { needleChecksums } from "../rpc/needle-checksums.ts";
import type { Chunk } from "../rpc/objects.ts";
import { type GetContext, readWindow } from "./get.ts";
import type { OpenBlocks } from "./members.ts";

export interface AppendContext extends GetContext {
  readonly openBlocks: OpenBlocks;
  readonly random: Random;
}

/** Stores one chunk on every member of some open block. */
export async function appendChunk(
  context: AppendContext,
  owner: NeedleOwner,
  data: Buffer,
): Promise<Chunk> {
  let full = 0;
  for (let attempt = 0; attempt <= limits.retries; attempt++) {
    using lent = await context.openBlocks.take(data.length);
    const { block } = lent;
    const needle = context.random.needleId();
    const kind = await appendToMembers(context, block, needle, owner, data);
    switch (kind) {
      case "stored":
        return { block: block.block, needle, lengthBytes: data.length, crc32c: crc32c(data) };
      case "duplicate":
        break;
      case "full":
        full++;
        await context.openBlocks.report(block, kind);
        break;
      case "sealed":
        await context.openBlocks.report(block, kind);
        break;
      case "missing":
      case "stale":
      case "failed":
        await context.openBlocks.report(block, "failed");
        break;
    }
  }
  // So many blocks are not full by chance: the devices are, though their heartbeats did not say so yet.
  if (full > limits.retries)
    throw new QuarryError("DiskFull", "no device has room: add one, or delete something");
  throw new QuarryError("Unavailable", "no block took the chunk; try again later");
}

/** Sends to all members in parallel; the worst answer counts (INV-2). */
async function appendToMembers(
  context: AppendContext,
  block: OpenBlock,
  needle: Chunk["needle"],
  owner: NeedleOwner,
  data: Buffer,
): Promise<AppendReply["kind"] | "failed"> {
  const checksums = needleChecksums(block.block, needle, data);
  const append = async (device: DeviceId) => {
    try {
      const reply = await context.serviceOf(device).append(
        {
          device,
          block: block.block,
          generation: block.generation,
          needle,
          owner,
          lengthBytes: data.length,
          checksums,
        },
        data,
      );
      return reply.kind;
    } catch (error) {
      if (hasCode(error, "DiskFailed", "NoSuchDevice", "Unavailable", "Timeout")) return "failed";
      throw error;
    }
  };
  const members = filled(block.members);
  const only = members.length === 1 ? members[0] : undefined;
  if (only !== undefined) return await append(only);
  const kinds = await Promise.all(members.map(append));
  return kinds.find((kind) => kind !== "stored") ?? "stored";
}

/** Writes a stored chunk anew, into an open block. */
export async function rewriteChunk(
  context: AppendContext,
  owner: NeedleOwner,
  chunk: Chunk,
): Promise<Chunk> {
  const data = Buffer.alloc(chunk.lengthBytes);
  for (let from = 0; from < data.length; from += limits.readWindowBytes) {
    const lengthBytes = Math.min(limits.readWindowBytes, data.length - from);
    data.set(await readWindow(context, { chunk, from, lengthBytes }), from);
  }
  return await appendChunk(context, owner, data);
}
