/** Whether the members of a block that were looked at give a chunk back, and whether all of them could. */
import type { DeviceId } from "../../base/ids.ts";
import { type InspectedBlock, isStripedMember } from "../../dataserver/inspect.ts";
import { recordBytes } from "../../dataserver/record.ts";
import { isTouched } from "../../dataserver/report.ts";
import type { BlockRow } from "../../nameserver/rows.ts";
import { filled } from "../../rpc/name-service.ts";
import type { Chunk } from "../../rpc/objects.ts";
import { WHOLE } from "../../rpc/pool.ts";

/** `thin`: it can be read, though not all that should have it, or their part of it, do. */
export type Holding = "full" | "thin" | "lost";

type Needle = Pick<Chunk, "needle" | "lengthBytes">;

/** `held`: the block as a device has it. */
export function holdingOf(
  row: BlockRow | undefined,
  chunk: Needle,
  held: (device: DeviceId) => InspectedBlock | undefined,
): Holding {
  if (row === undefined) return "lost";
  const { k } = row.scheme ?? WHOLE;
  const devices = filled(row.members);
  const there = devices.flatMap((device) => held(device) ?? []);
  const { generation, before } = row;
  const good =
    row.layout === "striped"
      ? inStripes(there, generation, chunk)
      : whole(there, piece(chunk, k), k);
  if (good.isEnough) return good.count === devices.length ? "full" : "thin";
  if (before === undefined) return "lost";
  // Until all have switched to what a block was converted to, what it was is kept: copies, or stripes.
  const kept = filled(before.members).flatMap((device) => held(device) ?? []);
  const isKept =
    whole(kept, chunk, 1).isEnough || inStripes(kept, before.generation, chunk).isEnough;
  return isKept ? "thin" : "lost";
}

/** Of a chunk that was cut each member has a piece, and k of them give it back. */
const piece = ({ needle, lengthBytes }: Needle, k: number) => ({
  needle,
  lengthBytes: Math.ceil(lengthBytes / k),
});

function whole(members: readonly InspectedBlock[], { needle, lengthBytes }: Needle, k: number) {
  const good = members.filter(
    ({ index, harmed, stripe }) =>
      stripe === undefined &&
      index.find(needle)?.lengthBytes === lengthBytes &&
      !harmed.has(needle),
  );
  return { count: good.length, isEnough: good.length >= k };
}

/** The member in whose range it stands has it; k that have these bytes of their ranges give it, too. */
function inStripes(
  members: readonly InspectedBlock[],
  generation: number,
  { needle, lengthBytes }: Needle,
) {
  let count = 0;
  let hasIt = false;
  let k = Number.POSITIVE_INFINITY;
  for (const member of members.filter(isStripedMember)) {
    // One that has not switched, or has already, has other ranges.
    if (member.superblock.generation !== generation) continue;
    k = member.superblock.k;
    const known = member.index.find(needle);
    if (known?.lengthBytes !== lengthBytes) continue;
    const { range, offset } = member.stripe.placeOf(known);
    if (isTouched(member.damage, offset, recordBytes(lengthBytes))) continue;
    // Without the checksums of its range nobody can tell whether a parity is right.
    const isOwn = member.superblock.piece === range;
    if (!isOwn && !member.stripe.hasSpanSums) continue;
    hasIt ||= isOwn;
    count++;
  }
  return { count, isEnough: hasIt || count >= k };
}
