/**
 * Answers from a member of a striped block: the bytes of a needle of its own range are answered as ever
 * (block-reads.ts); of any other, where it is. Beside that, the range as it stands, verified, from which
 * others compute what they lack.
 */
import { payloadPool } from "../../base/buffer-pool.ts";
import { crc32c } from "../../base/checksum.ts";
import type { DiskFile } from "../../base/disk.ts";
import { assert, QuarryError } from "../../base/errors.ts";
import { kindOfNeedle, type NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { NeedleEntry, ReadReply, ReadRequest } from "../../rpc/block-service.ts";
import type { StripeBytes, StripeRequest } from "../../rpc/stripe-service.ts";
import type { Block } from "../block.ts";
import { spansOf } from "../read-needle.ts";
import { HEADER_BYTES } from "../record.ts";
import { SUPERBLOCK_BYTES } from "../superblock.ts";
import { SPAN } from "./format.ts";
import { Bad, readPart, type Stripe } from "./stripe.ts";

/** Where a needle is that stands in the range of another. */
export async function readElsewhere(
  block: Block,
  stripe: Stripe,
  { needle, offset, lengthBytes, only }: ReadRequest,
): Promise<ReadReply> {
  const found = block.index.find(needle);
  if (found === undefined) return { kind: "missing", what: "needle" };
  const place = stripe.placeOf(found);
  const spans = spansOf(found.lengthBytes, offset, lengthBytes);
  const row = stripe.rowOf(needle);
  // Both from one file: another may have its name a moment later.
  const checksums = await block.home.files.use(block.path, async (file) => {
    const owners = only === undefined ? [] : await stripe.owners(file, row);
    if (owners instanceof Bad) return owners;
    const [owner] = owners;
    if (only !== undefined && (owner === undefined || kindOfNeedle(owner) !== only))
      return undefined;
    const count = Math.ceil((spans.to - spans.from) / SPAN);
    return await stripe.checksums(file, row, found.lengthBytes, spans.from / SPAN, count);
  });
  if (checksums === undefined) return { kind: "missing", what: "needle" };
  if (checksums instanceof Bad) return await tablesBad(block, checksums);
  const { k, m, salt } = stripe.superblock;
  return {
    ...{ kind: "elsewhere", needleBytes: found.lengthBytes, generation: block.generation },
    ...{ encoding: salt, scheme: { k, m }, range: place.range },
    ...{ at: place.offset - SUPERBLOCK_BYTES + HEADER_BYTES, offset: spans.from, checksums },
    ...(only !== undefined && { only }),
  };
}

async function tablesBad(block: Block, bad: Bad): Promise<ReadReply> {
  await block.noteDamage(bad, "the tables");
  return { kind: "damaged", detail: `the tables of ${block.path} are damaged` };
}

/** Live needles by id. The cursor is a row. */
export async function listStriped(
  block: Block,
  stripe: Stripe,
  cursor: number,
  limit: number,
): Promise<{ entries: NeedleEntry[]; next?: number }> {
  const most = Math.min(limit, limits.needleList);
  const { rows } = stripe;
  const entries: NeedleEntry[] = [];
  return await block.home.files.use(block.path, async (file) => {
    for (let row = cursor; row < rows.count; ) {
      const owners = await stripe.owners(file, row);
      if (owners instanceof Bad) await block.noteDamage(owners, "the tables");
      const page = owners instanceof Bad ? [undefined] : owners;
      for (const owner of page) {
        if (entries.length === most) return { entries, next: row };
        const needle = idAt(rows, row++);
        const place = block.index.find(needle);
        if (place !== undefined && owner !== undefined)
          entries.push({ needle, ...owner, lengthBytes: place.lengthBytes });
      }
    }
    return { entries };
  });
}

const idAt = (rows: Stripe["rows"], row: number) =>
  ((BigInt(rows.high[row] ?? 0) << 32n) | BigInt(rows.low[row] ?? 0)) as NeedleId;

/** @throws QuarryError `Damaged`, `StaleGeneration` for another encoding. */
export async function readStripe(block: Block, request: StripeRequest): Promise<StripeBytes> {
  const { stripe } = block;
  if (stripe === undefined)
    throw new QuarryError("StaleGeneration", `block ${request.block} is not striped here`);
  const { k, m, piece, salt, createdMs } = stripe.superblock;
  const { encoding, offset, lengthBytes } = request;
  if (encoding !== undefined && encoding !== salt)
    throw new QuarryError("StaleGeneration", `${block.path} is of another encoding`);
  const { rangeBytes, needles, longSums } = stripe.superblock.stripe;
  const { columnsAt, spanSumsAt } = stripe.geometry;
  const tableBytes = spanSumsAt - columnsAt;
  const end = offset < rangeBytes ? rangeBytes : rangeBytes + tableBytes;
  if (
    offset < 0 ||
    lengthBytes < 0 ||
    lengthBytes > limits.needleBytes ||
    offset + lengthBytes > end
  )
    throw new QuarryError("InvalidArgument", `block ${request.block} has no such bytes`);
  const data = await block.home.files.use(block.path, (file) =>
    offset < rangeBytes
      ? rangeOf(block, stripe, file, offset, lengthBytes)
      : tablesOf(block, file, offset, lengthBytes),
  );
  return {
    ...{ piece: { piece, scheme: { k, m } }, encoding: salt, createdMs, rangeBytes, tableBytes },
    ...{ needles, longSums, sum: crc32c(data), data },
  };
}

/** Who receives the tables verifies them. */
async function tablesOf(block: Block, file: DiskFile, offset: number, lengthBytes: number) {
  const bytes = await readPart(file, SUPERBLOCK_BYTES + offset, lengthBytes);
  if (bytes === undefined) throw new QuarryError("Damaged", `${block.path} is too short`);
  return bytes;
}

/** Whole spans are read and verified. */
async function rangeOf(
  block: Block,
  stripe: Stripe,
  file: DiskFile,
  offset: number,
  lengthBytes: number,
): Promise<Buffer> {
  const { rangeBytes } = stripe.superblock.stripe;
  const from = Math.floor(offset / SPAN) * SPAN;
  const to = Math.min(Math.ceil((offset + lengthBytes) / SPAN) * SPAN, rangeBytes);
  const bytes = payloadPool.take(to - from);
  const got = await file.read(bytes, SUPERBLOCK_BYTES + from);
  bytes.fill(0, got);
  for (let at = from; at < to; at += SPAN) {
    const span = bytes.subarray(at - from, Math.min(at + SPAN, to) - from);
    if (stripe.isSpan(at / SPAN, span)) continue;
    payloadPool.give(bytes);
    const damage = { offset: SUPERBLOCK_BYTES + at, lengthBytes: span.length };
    // Without the sums nothing is known of the range itself.
    if (stripe.hasSpanSums) await block.noteDamage(damage, "a span");
    throw new QuarryError("Damaged", `${span.length} bytes at ${at} of ${block.path} are damaged`);
  }
  assert(offset >= from && offset + lengthBytes <= to, "spans cover what was asked for");
  return bytes.subarray(offset - from, offset - from + lengthBytes);
}
