/**
 * One chunk to an open block: to the member at each position its piece, under one needle id, and all
 * must have it (INV-2). With k = 1 the piece is the chunk itself. A block that takes no more is an
 * ordinary answer: it is reported, and the chunk goes to another.
 */
import { crc32c } from "../base/checksum.ts";
import { assert, hasCode, QuarryError, unreachable } from "../base/errors.ts";
import type { DeviceId, NeedleOwner } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import type { AppendReply, AppendRequest } from "../rpc/block-service.ts";
import type { BlockMembers, OpenBlock } from "../rpc/name-service.ts";
import { needleChecksums } from "../rpc/needle-checksums.ts";
import type { Chunk } from "../rpc/objects.ts";
import type { Lent, OpenBlocks } from "./members.ts";
import type { Placed, PoolChoice } from "./pool-choice.ts";
import { type ReadContext, readWindow } from "./read-window.ts";

export interface AppendContext extends ReadContext {
  readonly openBlocks: OpenBlocks;
  readonly pools: PoolChoice;
  readonly random: Random;
}

/** Stores one chunk on every member of some open block. */
export async function appendChunk(
  context: AppendContext,
  owner: NeedleOwner,
  data: Buffer,
  placed: Placed = {},
): Promise<Chunk> {
  let full = 0;
  for (let attempt = 0; attempt <= limits.retries; attempt++) {
    let taken: Lent;
    try {
      taken = await takeBlock(context, placed, data.length);
    } catch (error) {
      if (!hasCode(error, "NoSuchPool")) throw error;
      context.pools.forget(); // the storage class was changed, and then the pool removed
      continue;
    }
    using lent = taken;
    const { block } = lent;
    const needle = context.random.needleId();
    const { kind, position } = await appendToMembers(context, block, needle, owner, data);
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
        await context.openBlocks.report(block, "failed", position);
        break;
      default:
        unreachable(kind);
    }
  }
  // So many blocks are not full by chance: the devices are, though their heartbeats did not say so yet.
  if (full > limits.retries)
    throw new QuarryError("DiskFull", "no device has room: add one, or delete something");
  throw new QuarryError("Unavailable", "no block took the chunk; try again later");
}

function takeBlock(
  { openBlocks, pools }: AppendContext,
  placed: Placed,
  lengthBytes: number,
): Promise<Lent> {
  const pool = pools.known(placed, lengthBytes);
  if (pool !== undefined) return openBlocks.take(pool, lengthBytes);
  return pools.poolOf(placed, lengthBytes).then((asked) => openBlocks.take(asked, lengthBytes));
}

type Kind = AppendReply["kind"] | "failed";

/** What a member said, or the worst that one said. */
interface Answer {
  readonly kind: Kind;
  readonly position: number;
}

/** From good to bad. */
const severity = ["stored", "duplicate", "full", "sealed", "stale", "missing", "failed"] as const;
const worse = (a: Answer, b: Answer): Answer =>
  severity.indexOf(b.kind) > severity.indexOf(a.kind) ? b : a;

type Append = Omit<AppendRequest, "device" | "lengthBytes" | "checksums">;

/** Sends each member its piece, to all in parallel; the worst answer counts (INV-2). */
async function appendToMembers(
  context: AppendContext,
  { block, generation, scheme, members }: OpenBlock,
  needle: Chunk["needle"],
  owner: NeedleOwner,
  data: Buffer,
): Promise<Answer> {
  const append: Append = { block, generation, needle, owner };
  const [only] = members;
  if (scheme.k > 1)
    return await context.codecs.encode(scheme, data, (pieces) =>
      sendToAll(members, (device, position) => {
        const piece = pieces.at(position);
        return send(context, append, device, position, piece, checksumsOf(append, piece));
      }),
    );
  const checksums = checksumsOf(append, data);
  if (members.length === 1 && only) return await send(context, append, only, 0, data, checksums);
  return await sendToAll(members, (device, position) =>
    send(context, append, device, position, data, checksums),
  );
}

const checksumsOf = ({ block, needle }: Append, piece: Uint8Array): Uint32Array =>
  needleChecksums(block, needle, piece);

/** Ends when all have answered, also after a defect: the pieces are in use until then. */
async function sendToAll(
  members: BlockMembers,
  sendTo: (device: DeviceId, position: number) => Promise<Answer>,
): Promise<Answer> {
  const sending = members.flatMap((device, position) =>
    device === null ? [] : [sendTo(device, position)],
  );
  let worst: Answer | undefined;
  for (const end of await Promise.allSettled(sending)) {
    if (end.status === "rejected") throw end.reason;
    worst = worst === undefined ? end.value : worse(worst, end.value);
  }
  assert(worst !== undefined, "an open block has members");
  return worst;
}

async function send(
  { serviceOf }: AppendContext,
  { block, generation, needle, owner }: Append,
  device: DeviceId,
  position: number,
  piece: Uint8Array,
  checksums: Uint32Array,
): Promise<Answer> {
  try {
    const lengthBytes = piece.length;
    const request = { device, block, generation, needle, owner, lengthBytes, checksums };
    const { kind } = await serviceOf(device).append(request, piece);
    return { kind, position };
  } catch (error) {
    if (hasCode(error, "DiskFailed", "NoSuchDevice", "Unavailable", "Timeout"))
      return { kind: "failed", position };
    throw error;
  }
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
