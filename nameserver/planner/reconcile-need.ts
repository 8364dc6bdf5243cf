/** Whether the members of a block are to be compared: pure, from what its devices reported. */
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { filled } from "../../rpc/name-service.ts";
import { WHOLE } from "../../rpc/pool.ts";
import type { BlockRow } from "../rows.ts";
import type { Held, Stock } from "../stock/stock.ts";

/** What a member holds, when it is the member's: of this generation and, with k > 1, this piece. */
export function heldBy(
  stock: Pick<Stock, "of">,
  block: BlockId,
  { members, generation, scheme = WHOLE }: BlockRow,
): Map<DeviceId, Held> {
  const held = new Map<DeviceId, Held>();
  for (const [position, member] of members.entries()) {
    const one = member === null ? undefined : stock.of(member)?.get(block);
    if (member === null || one?.generation !== generation) continue;
    if (scheme.k === 1 || one.piece === undefined || one.piece.piece === position)
      held.set(member, one);
  }
  return held;
}

const COUNTED = "of ";

/** All that is amiss is that the metadata count more. */
export const isOfCount = (mark: string): boolean => mark.startsWith(COUNTED);

/**
 * Undefined when there is nothing to find out (INV-4: nothing unsettled is compared). Else what they
 * said, as one text: as long as it stays the same another look finds the same.
 */
export function disagreement(
  row: BlockRow,
  held: ReadonlyMap<DeviceId, Held>,
  /** Needles that the metadata counts in the block. */
  named: number,
): string | undefined {
  if (row.state !== "settled" || held.size === 0) return undefined;
  const all = [...held.values()];
  const differ = all.some(
    ({ digest, needles }) => digest !== all[0]?.digest || needles !== all[0]?.needles,
  );
  const isHarmed = all.some(({ damagedBytes }) => damagedBytes > 0);
  // Who was away when it was sealed does not tell what is appended to it.
  const isOpen = all.some(({ sealed }) => !sealed);
  const isComplete = held.size === filled(row.members).length;
  const lacks = isComplete && all.every(({ needles }) => needles < named);
  if (!differ && !isHarmed && !isOpen && !lacks) return undefined;
  const said = [...held].map(
    ([device, { needles, digest, damagedBytes, sealed }]) =>
      `${device} ${needles} ${digest} ${damagedBytes} ${sealed}`,
  );
  const isCount = !differ && !isHarmed && !isOpen;
  return [
    isCount ? `${COUNTED}${named}` : "differ",
    row.generation,
    row.members.length,
    ...said,
  ].join(", ");
}
