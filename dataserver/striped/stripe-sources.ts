/** Members of a striped block, as another dataserver uses them. */
import { crc32c } from "../../base/checksum.ts";
import { QuarryError } from "../../base/errors.ts";
import { INVENTORY_ROW_BYTES } from "../../rpc/healing-service.ts";
import type { Encoding, StripeBytes } from "../../rpc/stripe-service.ts";
import type { Plan } from "../rebuild/plan.ts";
import type { Peer, Source } from "../rebuild/sources.ts";
import { SUPERBLOCK_BYTES } from "../superblock.ts";

export interface StripeSource extends Source {
  readonly peer: Peer;
}

/** Bytes of a source's range or tables. @throws QuarryError `Damaged` when others arrived. */
export async function readFrom(
  { peer, address }: StripeSource,
  offset: number,
  lengthBytes: number,
  encoding?: Encoding,
): Promise<StripeBytes> {
  const found = await peer.readStripe({
    ...{ ...address, offset, lengthBytes },
    ...(encoding !== undefined && { encoding }),
  });
  if (found.data.length !== lengthBytes || crc32c(found.data) !== found.sum)
    throw new QuarryError("Damaged", `device ${address.device} gave other bytes than it said`);
  return found;
}

/** Of a striped block each needle is at one member only: that of its range. */
export async function holdersOfRanges(
  plan: Plan,
  sources: readonly StripeSource[],
  inventories: readonly Buffer[],
): Promise<Plan> {
  const holders = new Uint32Array(plan.count);
  const [first] = sources;
  if (first === undefined) return plan;
  const { rangeBytes } = await readFrom(first, 0, 0);
  const bitOf = new Map(sources.map(({ piece }, s) => [piece, 1 << s]));
  for (const inventory of inventories) {
    let row = 0;
    for (let at = 0; at < inventory.length; at += INVENTORY_ROW_BYTES) {
      const id = inventory.readBigUInt64LE(at);
      while (row < plan.count && (plan.ids[row] ?? 0n) < id) row++;
      if (plan.ids[row] !== id) continue;
      const offset = inventory.readUInt32LE(at + 12) * 8;
      const range = Math.floor((offset - SUPERBLOCK_BYTES) / rangeBytes);
      if (offset > 0) holders[row] = bitOf.get(range) ?? 0;
    }
  }
  return { ...plan, holders };
}
