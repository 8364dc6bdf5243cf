/**
 * One needle to all members of an open block: to the member at each position its piece, under one id,
 * and all must have it (INV-2). With k = 1 the piece is the chunk itself.
 */
import { assert, hasCode } from "../base/errors.ts";
import type { DeviceId, NeedleId, NeedleOwner } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { AppendReply, AppendRequest } from "../rpc/block-service.ts";
import type { BlockMembers, OpenBlock } from "../rpc/name-service.ts";
import { needleChecksums, wholeChecksum } from "../rpc/needle-checksums.ts";
import type { Codecs } from "./codecs.ts";
import type { Latencies } from "./latencies.ts";
import type { ServiceOf } from "./members.ts";

export interface SendContext {
  readonly serviceOf: ServiceOf;
  readonly codecs: Codecs;
  readonly latencies: Latencies;
}

export type Kind = AppendReply["kind"] | "failed";

/** What a member said, or the worst that one said. */
export interface Answer {
  readonly kind: Kind;
  readonly position: number;
  /** CRC32C of all of the data, where it came without work. */
  readonly crc32c?: number;
}

/** From good to bad. */
const severity = ["stored", "duplicate", "full", "sealed", "stale", "missing", "failed"] as const;
const worse = (a: Answer, b: Answer): Answer =>
  severity.indexOf(b.kind) > severity.indexOf(a.kind) ? b : a;

interface Append extends Omit<AppendRequest, "device" | "lengthBytes" | "checksums"> {
  readonly silent: Set<DeviceId>;
}

/**
 * Sends each member its piece, to all in parallel; the worst answer counts. `silent` are those that
 * have not answered yet. `data` is in use until the end.
 */
export function appendToMembers(
  context: SendContext,
  { block, generation, scheme, members }: OpenBlock,
  needle: NeedleId,
  owner: NeedleOwner,
  data: Uint8Array,
  silent: Set<DeviceId>,
): Promise<Answer> {
  const append: Append = { block, generation, needle, owner, silent };
  const [only] = members;
  if (scheme.k > 1)
    return context.codecs.encode(scheme, data, (pieces) =>
      sendToAll(members, (device, position) => {
        const piece = pieces.at(position);
        return send(context, append, device, position, piece, checksumsOf(append, piece));
      }),
    );
  const checksums = checksumsOf(append, data);
  const answer =
    members.length === 1 && only
      ? send(context, append, only, 0, data, checksums)
      : sendToAll(members, (device, position) =>
          send(context, append, device, position, data, checksums),
        );
  if (data.length < limits.checksumSpanBytes) return answer;
  return answer.then((told) => ({
    ...told,
    crc32c: wholeChecksum(block, needle, data, checksums),
  }));
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
  { serviceOf, latencies }: SendContext,
  { block, generation, needle, owner, silent }: Append,
  device: DeviceId,
  position: number,
  piece: Uint8Array,
  checksums: Uint32Array,
): Promise<Answer> {
  silent.add(device);
  try {
    const lengthBytes = piece.length;
    const request = { device, block, generation, needle, owner, lengthBytes, checksums };
    const { kind } = await serviceOf(device).append(request, piece);
    return { kind, position };
  } catch (error) {
    if (!hasCode(error, "DiskFailed", "NoSuchDevice", "Unavailable", "Timeout")) throw error;
    latencies.shun(device);
    return { kind: "failed", position };
  } finally {
    silent.delete(device);
  }
}
