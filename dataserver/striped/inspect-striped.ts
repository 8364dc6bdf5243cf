/** A member of a striped block, looked at without a server: what it knows of needles, and what is wrong. */
import type { DiskFile } from "../../base/disk.ts";
import type { BlobId, NeedleId } from "../../base/ids.ts";
import { NeedleIndex } from "../needle-index.ts";
import { type RecordHeader, recordBytes, seedOfBlock } from "../record.ts";
import { type Damage, isTouched } from "../report.ts";
import { walk } from "../walk.ts";
import { checkStripe } from "./check.ts";
import type { StripedSuperblock } from "./format.ts";
import { Bad, Stripe } from "./stripe.ts";

export interface InspectedStripe {
  readonly stripe: Stripe;
  readonly index: NeedleIndex;
  readonly damage: readonly Damage[];
  /** Needles of its own range of which some bytes are damaged. */
  readonly harmed: ReadonlySet<NeedleId>;
}

/** Undefined when its columns are damaged: then nothing of the block can be found with it. */
export async function inspectStriped(
  file: DiskFile,
  superblock: StripedSuperblock,
  durableBytes: number,
): Promise<InspectedStripe | undefined> {
  const stripe = await Stripe.read(file, superblock);
  if (stripe === undefined) return undefined;
  const damage: Damage[] = [];
  await checkStripe(file, stripe, async (one) => void damage.push(one));
  const index = NeedleIndex.sorted(stripe.rows);
  const fileBytes = await file.lengthBytes();
  const { block, piece } = superblock;
  const from = stripe.geometry.recordsAt;
  const steps = walk({ file, block, seed: seedOfBlock(superblock), from, to: fileBytes });
  let durable = durableBytes;
  const doubtful: Damage[] = [];
  for await (const { header, footer, bad, blank } of steps) {
    durable = Math.max(durable, footer?.syncedBytes ?? 0);
    if (blank !== true) doubtful.push(...bad);
    if (header?.kind === "tombstone") index.remove(header.needle);
  }
  damage.push(...doubtful.filter(({ offset }) => offset < durable));
  if (fileBytes < durable) damage.push({ offset: fileBytes, lengthBytes: durable - fileBytes });
  const harmed = new Set<NeedleId>();
  for (const { needle, ...place } of index.inFileOrder(0)) {
    const { range, offset, lengthBytes } = stripe.placeOf(place);
    if (range === piece && isTouched(damage, offset, recordBytes(lengthBytes))) harmed.add(needle);
  }
  return { stripe, index, damage, harmed };
}

/** The owners of live needles, as headers of their records say them. */
export async function* ownersInStripe(
  file: DiskFile,
  stripe: Stripe,
  index: NeedleIndex,
): AsyncGenerator<RecordHeader> {
  const { rows } = stripe;
  for (let row = 0; row < rows.count; ) {
    const owners = await stripe.owners(file, row);
    const page = owners instanceof Bad ? [undefined] : owners;
    for (const owner of page) {
      const id = ((BigInt(rows.high[row] ?? 0) << 32n) | BigInt(rows.low[row] ?? 0)) as NeedleId;
      const place = index.find(id);
      row++;
      if (owner === undefined || place === undefined) continue;
      const { blob, chunk } = owner;
      const { lengthBytes } = place;
      yield { kind: "needle", lengthBytes, needle: id, blob: blob as BlobId, chunk };
    }
  }
}
