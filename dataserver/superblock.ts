/**
 * The first 64 bytes of a block file: which block, which generation, and the salt of its records.
 *
 *      0  magic          8 B   "QUARRYBK"
 *      8  format         u16   1; 2 of a block that has what stands at 14 or 52; 3 of a striped one
 *     10  piece index    u8    which piece of the scheme this member holds
 *     11  k              u8
 *     12  m              u8
 *     13  layout         u8    0; 1 striped (striped/format.ts)
 *     14  durability     u8    0 as the device does it; 1 commit, 2 interval, 3 none
 *     15  zero           1 B
 *     16  block id       u32
 *     20  generation     u32
 *     24  salt           u32   random; seeds the checksums of the records. Of a striped block: the same
 *                              at all members of one encoding, and at those of no other
 *     28  created        u64   milliseconds since 1970
 *     36  range          u64   striped: bytes of each range
 *     44  needles        u32   striped: how many were encoded
 *     48  long sums      u32   striped: checksums of needles that have several
 *     52  size           u32   it takes no record that would end behind this; 0 as the device does it
 *     56  zero           4 B
 *     60  CRC32C         u32   of bytes 0 … 59
 *
 * Little-endian. A higher format number is refused, never guessed at.
 */
import type { Durability } from "../base/append-file.ts";
import { crc32c } from "../base/checksum.ts";
import { QuarryError } from "../base/errors.ts";
import type { BlockId } from "../base/ids.ts";

export const SUPERBLOCK_BYTES = 64;
const MAGIC = Buffer.from("QUARRYBK");
const FORMAT = 3;
const STRIPED = 1;
const CRC_AT = 60;

/** What a striped block has beside. */
export interface StripeShape {
  readonly rangeBytes: number;
  readonly needles: number;
  readonly longSums: number;
}

export interface Superblock {
  readonly block: BlockId;
  readonly generation: number;
  readonly salt: number;
  readonly piece: number;
  readonly k: number;
  readonly m: number;
  readonly createdMs: number;
  readonly blockBytes?: number;
  readonly durability?: Durability;
  /** Of a striped block. */
  readonly stripe?: StripeShape;
}

const durabilities: readonly (Durability | undefined)[] = [undefined, "commit", "interval", "none"];

export function encodeSuperblock(superblock: Superblock): Buffer {
  const bytes = Buffer.alloc(SUPERBLOCK_BYTES);
  MAGIC.copy(bytes);
  const { blockBytes = 0, durability, stripe } = superblock;
  const isPlain = blockBytes === 0 && durability === undefined;
  // Versions that know no other format read what has nothing new in it.
  bytes.writeUInt16LE(stripe !== undefined ? FORMAT : isPlain ? 1 : 2, 8);
  bytes.writeUInt8(durabilities.indexOf(durability), 14);
  bytes.writeUInt32LE(blockBytes, 52);
  bytes.writeUInt8(superblock.piece, 10);
  bytes.writeUInt8(superblock.k, 11);
  bytes.writeUInt8(superblock.m, 12);
  bytes.writeUInt32LE(superblock.block, 16);
  bytes.writeUInt32LE(superblock.generation, 20);
  bytes.writeUInt32LE(superblock.salt, 24);
  bytes.writeBigUInt64LE(BigInt(superblock.createdMs), 28);
  if (stripe !== undefined) {
    bytes.writeUInt8(STRIPED, 13);
    bytes.writeBigUInt64LE(BigInt(stripe.rangeBytes), 36);
    bytes.writeUInt32LE(stripe.needles, 44);
    bytes.writeUInt32LE(stripe.longSums, 48);
  }
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, CRC_AT)), CRC_AT);
  return bytes;
}

export function isStriped<S extends Superblock>(
  superblock: S,
): superblock is S & { readonly stripe: StripeShape } {
  return superblock.stripe !== undefined;
}

/** The superblock, or undefined when the bytes are damaged. Throws `NewerFormat`. */
export function decodeSuperblock(bytes: Buffer, path: string): Superblock | undefined {
  if (bytes.length < SUPERBLOCK_BYTES || !MAGIC.equals(bytes.subarray(0, 8))) return undefined;
  if (crc32c(bytes.subarray(0, CRC_AT)) !== bytes.readUInt32LE(CRC_AT)) return undefined;
  const format = bytes.readUInt16LE(8);
  if (format > FORMAT)
    throw new QuarryError(
      "NewerFormat",
      `${path} was written by a newer version of Quarry (format ${format}); install that version`,
    );
  const blockBytes = bytes.readUInt32LE(52);
  const durability = durabilities[bytes.readUInt8(14)];
  return {
    ...(blockBytes > 0 && { blockBytes }),
    ...(durability !== undefined && { durability }),
    block: bytes.readUInt32LE(16) as BlockId,
    generation: bytes.readUInt32LE(20),
    salt: bytes.readUInt32LE(24),
    piece: bytes.readUInt8(10),
    k: bytes.readUInt8(11),
    m: bytes.readUInt8(12),
    createdMs: Number(bytes.readBigUInt64LE(28)),
    ...(bytes.readUInt8(13) === STRIPED && { stripe: decodeStripe(bytes) }),
  };
}

const decodeStripe = (bytes: Buffer): StripeShape => ({
  rangeBytes: Number(bytes.readBigUInt64LE(36)),
  needles: bytes.readUInt32LE(44),
  longSums: bytes.readUInt32LE(48),
});
