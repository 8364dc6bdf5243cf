/** Reads all of a member's file, up to its records, and finds what is not as it was written. */
import type { DiskFile } from "../../base/disk.ts";
import type { Damage } from "../report.ts";
import { encodeSuperblock, SUPERBLOCK_BYTES } from "../superblock.ts";
import {
  detailsPlace,
  isDetailsPage,
  isLongSumsPage,
  longSumsPlace,
  PAGE_ROWS,
  type PagePlace,
  SPAN,
} from "./format.ts";
import { readPart, Stripe } from "./stripe.ts";

/** Bytes read at once: whole spans. */
const STEP_BYTES = 16 * SPAN;

/** Calls `found` with what is damaged; stops when `goesOn` says so. */
export async function checkStripe(
  file: DiskFile,
  stripe: Stripe,
  found: (damage: Damage, what: string) => Promise<void>,
  afterRead: (bytes: number) => Promise<void> = async () => {},
  goesOn: () => boolean = () => true,
): Promise<void> {
  const { superblock, geometry } = stripe;
  const { needles, longSums } = superblock.stripe;
  const head = await readPart(file, 0, SUPERBLOCK_BYTES);
  if (head === undefined || !head.equals(encodeSuperblock(superblock)))
    await found({ offset: 0, lengthBytes: SUPERBLOCK_BYTES }, "the superblock");
  await checkTables(file, stripe, found, afterRead);
  const page = async (place: PagePlace, isRight: typeof isDetailsPage) => {
    const bytes = await readPart(file, place.at, place.lengthBytes);
    await afterRead(place.lengthBytes);
    if (bytes === undefined || !isRight(superblock, place, bytes))
      await found({ offset: place.at, lengthBytes: place.lengthBytes }, "the tables");
  };
  for (let row = 0; row < needles; row += PAGE_ROWS)
    await page(detailsPlace(superblock.stripe, row), isDetailsPage);
  for (let number = 0; number < longSums; number += PAGE_ROWS)
    await page(longSumsPlace(superblock.stripe, number), isLongSumsPage);
  if (stripe.hasSpanSums) await checkSpans(file, stripe, found, afterRead, goesOn);
  else {
    const { spanSumsAt: offset, recordsAt } = geometry;
    await found({ offset, lengthBytes: recordsAt - offset }, "the checksums of the range");
  }
}

/** The columns and the sums of the spans, as they are on the disk now. */
async function checkTables(
  file: DiskFile,
  { superblock, geometry, hasSpanSums }: Stripe,
  found: (damage: Damage, what: string) => Promise<void>,
  afterRead: (bytes: number) => Promise<void>,
): Promise<void> {
  const { columnsAt, detailsAt, spanSumsAt, recordsAt } = geometry;
  const now = await Stripe.read(file, superblock);
  await afterRead(detailsAt - columnsAt + recordsAt - spanSumsAt);
  if (now === undefined)
    await found({ offset: columnsAt, lengthBytes: detailsAt - columnsAt }, "the tables");
  if (now !== undefined && hasSpanSums && !now.hasSpanSums)
    await found(
      { offset: spanSumsAt, lengthBytes: recordsAt - spanSumsAt },
      "the checksums of the range",
    );
}

async function checkSpans(
  file: DiskFile,
  stripe: Stripe,
  found: (damage: Damage, what: string) => Promise<void>,
  afterRead: (bytes: number) => Promise<void>,
  goesOn: () => boolean,
): Promise<void> {
  const { rangeBytes } = stripe.superblock.stripe;
  const room = Buffer.allocUnsafe(Math.min(STEP_BYTES, rangeBytes));
  for (let from = 0; from < rangeBytes && goesOn(); from += STEP_BYTES) {
    const bytes = room.subarray(0, Math.min(STEP_BYTES, rangeBytes - from));
    const got = await file.read(bytes, SUPERBLOCK_BYTES + from);
    bytes.fill(0, got);
    await afterRead(bytes.length);
    for (let at = 0; at < bytes.length; at += SPAN) {
      const span = bytes.subarray(at, at + SPAN);
      if (stripe.isSpan((from + at) / SPAN, span)) continue;
      const damage = { offset: SUPERBLOCK_BYTES + from + at, lengthBytes: span.length };
      await found(damage, "a span");
    }
  }
}
