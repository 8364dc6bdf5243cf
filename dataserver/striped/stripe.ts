/** What a member of a striped block knows beside the index: where ranges are, owners, checksums. */
import type { DiskFile } from "../../base/disk.ts";
import type { BlobId, NeedleId, NeedleOwner } from "../../base/ids.ts";
import { spanCount } from "../../rpc/needle-checksums.ts";
import { type IndexRows, type Place, rowOf } from "../needle-index.ts";
import { SUPERBLOCK_BYTES } from "../superblock.ts";
import {
  type Details,
  decodeColumns,
  decodeSpanSums,
  detailsAt,
  detailsPlace,
  type Geometry,
  geometryOf,
  isDetailsPage,
  isLongSumsPage,
  longSumsPlace,
  type PagePlace,
  type StripedSuperblock,
  spanSum,
} from "./format.ts";

/** A needle in its range: as if the range were in a file of its own, behind a superblock. */
export interface RangePlace extends Place {
  readonly range: number;
}

export class Stripe {
  readonly superblock: StripedSuperblock;
  readonly geometry: Geometry;
  /** As they were encoded, by id; the index works on the same arrays. */
  readonly rows: IndexRows;
  /** Undefined when they are damaged: then nothing of the range can be told to be right. */
  readonly #spanSums: Uint32Array | undefined;

  private constructor(
    superblock: StripedSuperblock,
    rows: IndexRows,
    spanSums: Uint32Array | undefined,
  ) {
    this.superblock = superblock;
    this.geometry = geometryOf(superblock.stripe);
    this.rows = rows;
    this.#spanSums = spanSums;
  }

  /** Undefined when the columns are damaged: then nothing of the block can be found. */
  static async read(file: DiskFile, superblock: StripedSuperblock): Promise<Stripe | undefined> {
    const {
      columnsAt,
      detailsAt: columnsEnd,
      spanSumsAt,
      recordsAt,
    } = geometryOf(superblock.stripe);
    const columns = await readPart(file, columnsAt, columnsEnd - columnsAt);
    const rows = columns && decodeColumns(superblock, columns);
    if (rows === undefined) return undefined;
    const sums = await readPart(file, spanSumsAt, recordsAt - spanSumsAt);
    return new Stripe(superblock, rows, sums && decodeSpanSums(superblock, sums));
  }

  get hasSpanSums(): boolean {
    return this.#spanSums !== undefined;
  }

  /** Where a place of the index is. */
  placeOf({ offset, lengthBytes }: Place): RangePlace {
    const { rangeBytes } = this.superblock.stripe;
    const range = Math.floor((offset - SUPERBLOCK_BYTES) / rangeBytes);
    return { range, offset: offset - range * rangeBytes, lengthBytes };
  }

  rowOf(needle: NeedleId): number {
    return rowOf(this.rows, needle);
  }

  /** Whether these bytes are span `span` of the range. */
  isSpan(span: number, bytes: Uint8Array): boolean {
    return this.#spanSums?.[span] === spanSum(this.superblock, span, bytes);
  }

  async details(file: DiskFile, row: number): Promise<Details | Bad> {
    const place = detailsPlace(this.superblock.stripe, row);
    const page = await this.#page(file, place, isDetailsPage);
    return page instanceof Bad ? page : detailsAt(place, page, row);
  }

  /** Owners of the rows from one on, as far as their page goes. */
  async owners(file: DiskFile, row: number): Promise<NeedleOwner[] | Bad> {
    const place = detailsPlace(this.superblock.stripe, row);
    const page = await this.#page(file, place, isDetailsPage);
    if (page instanceof Bad) return page;
    const count = (place.lengthBytes - 4) / 16 - (row - place.first);
    return Array.from({ length: count }, (_, i) => {
      const { blob, chunk } = detailsAt(place, page, row + i);
      return { blob: blob as BlobId, chunk };
    });
  }

  /** Checksums of a needle of so many bytes, from span `from` on. */
  async checksums(
    file: DiskFile,
    row: number,
    lengthBytes: number,
    from: number,
    count: number,
  ): Promise<Uint32Array | Bad> {
    if (count === 0) return new Uint32Array(0);
    const details = await this.details(file, row);
    if (details instanceof Bad) return details;
    if (spanCount(lengthBytes) === 1) return Uint32Array.of(details.sum);
    const sums = new Uint32Array(count);
    for (let i = 0; i < count; ) {
      const number = details.sum + from + i;
      const place = longSumsPlace(this.superblock.stripe, number);
      const page = await this.#page(file, place, isLongSumsPage);
      if (page instanceof Bad) return page;
      const end = place.first + (place.lengthBytes - 4) / 4;
      for (let one = number; one < end && i < count; one++, i++)
        sums[i] = page.readUInt32LE((one - place.first) * 4);
    }
    return sums;
  }

  async #page(
    file: DiskFile,
    place: PagePlace,
    isRight: typeof isDetailsPage,
  ): Promise<Buffer | Bad> {
    const page = await readPart(file, place.at, place.lengthBytes);
    if (page !== undefined && isRight(this.superblock, place, page)) return page;
    return new Bad(place.at, place.lengthBytes);
  }
}

/** Bytes of the file that are not what was written. */
export class Bad {
  readonly offset: number;
  readonly lengthBytes: number;

  constructor(offset: number, lengthBytes: number) {
    this.offset = offset;
    this.lengthBytes = lengthBytes;
  }
}

export async function readPart(
  file: DiskFile,
  offset: number,
  lengthBytes: number,
): Promise<Buffer | undefined> {
  const bytes = Buffer.allocUnsafe(lengthBytes);
  return (await file.read(bytes, offset)) === lengthBytes ? bytes : undefined;
}
