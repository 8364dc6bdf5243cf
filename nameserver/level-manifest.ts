/**
 * Reads LevelDB's MANIFEST: which table files are the state. LevelDB's files, as its documents
 * doc/log_format and doc/impl describe them:
 *
 *   log file   blocks of 32 KiB; in a block records: u32 masked CRC32C of type and data, u16 length,
 *              u8 type (1 full, 2 first, 3 middle, 4 last), data; less than 7 bytes at a block's
 *              end are zeros
 *   edit       tag-prefixed varints: 1 comparator, 2 log, 3 next file, 4 last sequence, 5 compact
 *              pointer, 6 deleted file, 7 new file (level, number, size, smallest, largest), 9 log
 */
import { crc32c } from "../base/checksum.ts";
import { QuarryError } from "../base/errors.ts";

const BLOCK_BYTES = 32 * 1024;
const HEAD_BYTES = 7;
const MASK_DELTA = 0xa282ead8;

/** LevelDB masks the checksums that it stores. */
export function unmask(masked: number): number {
  const rotated = (masked - MASK_DELTA) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

export const levelDamage = (path: string, offset: number, what: string) =>
  new QuarryError(
    "Damaged",
    `${path} is damaged at byte ${offset}: ${what}. Nothing was changed; restore the nameserver's folder from a backup`,
  );

/** Varints and counted bytes, one after the other. */
export class VarintReader {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  get done(): boolean {
    return this.at >= this.#bytes.length;
  }

  /** Up to 2^53; more, or a cut-off one, is NaN. */
  varint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 63; scale *= 128) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) return Number.NaN;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  }

  skip(lengthBytes: number): void {
    this.at += lengthBytes;
  }
}

/**
 * Records of a log file in order. A record that the end of the file cuts off, or of which a power cut
 * left only zeros, was never finished.
 */
export function* logRecords(path: string, bytes: Buffer): Generator<Buffer> {
  let parts: Buffer[] = [];
  for (let at = 0; at + HEAD_BYTES <= bytes.length; ) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (left < HEAD_BYTES) {
      if (bytes.subarray(at, at + left).some((byte) => byte !== 0))
        throw levelDamage(path, at, "there is something behind the last record of a block");
      at += left;
      continue;
    }
    const length = bytes.readUInt16LE(at + 4);
    const type = bytes[at + 6] ?? 0;
    const end = at + HEAD_BYTES + length;
    if (end > bytes.length && length + HEAD_BYTES <= left) return;
    const sum = crc32c(bytes.subarray(at + 6, end));
    if (type === 0 && bytes.subarray(at).every((byte) => byte === 0)) return;
    if (
      length + HEAD_BYTES > left ||
      type < 1 ||
      type > 4 ||
      unmask(bytes.readUInt32LE(at)) !== sum
    )
      throw levelDamage(path, at, "a record fails its checksum");
    if (type <= 2) parts = [];
    parts.push(bytes.subarray(at + HEAD_BYTES, end));
    if (type === 1 || type === 4) yield Buffer.concat(parts);
    at = end;
  }
}

/** Number → size of every table that is part of the state. */
export function liveTables(path: string, manifest: Buffer): Map<number, number> {
  const live = new Map<number, number>();
  for (const record of logRecords(path, manifest)) {
    const edit = new VarintReader(record);
    while (!edit.done) readEdit(path, edit, live);
  }
  return live;
}

function readEdit(path: string, edit: VarintReader, live: Map<number, number>): void {
  const tag = edit.varint();
  const text = () => edit.skip(edit.varint());
  switch (tag) {
    case 1:
      text();
      return;
    case 2:
    case 3:
    case 4:
    case 9:
      edit.varint();
      return;
    case 5:
      edit.varint();
      text();
      return;
    case 6:
      edit.varint();
      live.delete(edit.varint());
      return;
    case 7: {
      edit.varint();
      const number = edit.varint();
      live.set(number, edit.varint());
      text();
      text();
      return;
    }
    default:
      throw levelDamage(path, 0, `it holds an entry of unknown kind ${tag}`);
  }
}
