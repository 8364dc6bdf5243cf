/**
 * TFS file names: where a needle is, in 18 printable characters, and the suffix that was asked for.
 *
 *     T or L                 the needle is the content, or a list of the chunks that are it
 *     1                      the cluster, always 1
 *     16 characters          12 bytes in an alphabet of 64, 6 bits each, high bits first:
 *        0  block            u32   little-endian
 *        4  sequence         u32   the low half of the needle id
 *        8  suffix           u32   the high half, XOR the hash of the suffix (0 for none)
 *                            all 12 XORed with the mask, which begins again behind its 10th byte
 *     suffix                 as it was given, as `.jpg`
 *
 * For a file id below 2^32 that is what TFS makes of it. In TFS a suffix takes the place of the high half;
 * here ids have 64 random bits, so that names cannot be guessed, and the suffix is mixed in: who asks
 * with another suffix asks for another needle. Facts: alibaba/tfs, fsname.cpp.
 */
import { QuarryError } from "../../base/errors.ts";
import type { BlockId, NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";

/** One needle, wherever its block is. */
export interface Fid {
  readonly block: BlockId;
  readonly needle: NeedleId;
}

/** `T`: the needle is the content; `L`: it lists the chunks that are. */
export type FidKind = "T" | "L";

export interface ParsedFid extends Fid {
  readonly kind: FidKind;
  /** Empty for none. */
  readonly suffix: string;
}

const ALPHABET = "0JoU8EaN3xf19hIS2d.6pZRFBYurMDGw7K5m4CyXsbQjg_vTOAkcHVtzqWilnLPe";
const MASK = Buffer.from("Taobao-inc", "latin1");
const CLUSTER = "1";
const BYTES = 12;
/** Of a name without its suffix. */
export const FID_NAME_LENGTH = 18;

/** By character code; 64 for what is not in the alphabet. */
const sixBitsOf = new Uint8Array(128).fill(64);
for (let value = 0; value < ALPHABET.length; value++) sixBitsOf[ALPHABET.charCodeAt(value)] = value;

/** What TFS makes of a suffix; 0 for none. */
export function suffixHash(suffix: string): number {
  if (suffix === "") return 0;
  let hash = 0;
  for (let i = 0; i < suffix.length; i++) hash = Math.imul(hash + suffix.charCodeAt(i), 7);
  return (hash | 0x80000000) >>> 0;
}

/** Suffixes are printable everywhere: letters, digits, `.`, `_` and `-`. */
export const isSuffix = (suffix: string): boolean =>
  suffix === "" || (suffix.length <= limits.fidSuffixBytes && /^[A-Za-z0-9._-]*$/.test(suffix));

/** @throws QuarryError `InvalidArgument` for a suffix that cannot stand in a name. */
export function fidName(kind: FidKind, { block, needle }: Fid, suffix = ""): string {
  if (!isSuffix(suffix))
    throw new QuarryError(
      "InvalidArgument",
      `a suffix has at most ${limits.fidSuffixBytes} letters, digits, dots, hyphens and underscores`,
    );
  const bytes = Buffer.allocUnsafe(BYTES);
  bytes.writeUInt32LE(block, 0);
  bytes.writeUInt32LE(Number(needle & 0xffffffffn), 4);
  bytes.writeUInt32LE((Number(needle >> 32n) ^ suffixHash(suffix)) >>> 0, 8);
  mask(bytes);
  let name: string = kind + CLUSTER;
  for (let at = 0; at < BYTES; at += 3) {
    const three = bytes.readUIntBE(at, 3);
    for (const shift of [18, 12, 6, 0]) name += ALPHABET[(three >> shift) & 63];
  }
  return name + suffix;
}

/** Undefined when it is no name of a fid. */
export function parseFidName(name: string): ParsedFid | undefined {
  const kind = name[0];
  if ((kind !== "T" && kind !== "L") || name[1] !== CLUSTER) return undefined;
  const suffix = name.slice(FID_NAME_LENGTH);
  if (name.length < FID_NAME_LENGTH || !isSuffix(suffix)) return undefined;
  const bytes = Buffer.allocUnsafe(BYTES);
  for (let at = 0, from = 2; at < BYTES; from += 4) {
    let three = 0;
    for (let i = 0; i < 4; i++) {
      const value = sixBitsOf[name.charCodeAt(from + i)] ?? 64;
      if (value === 64) return undefined;
      three = (three << 6) | value;
    }
    bytes[at++] = three >> 16;
    bytes[at++] = three >> 8;
    bytes[at++] = three;
  }
  mask(bytes);
  const high = (bytes.readUInt32LE(8) ^ suffixHash(suffix)) >>> 0;
  const needle = ((BigInt(high) << 32n) | BigInt(bytes.readUInt32LE(4))) as NeedleId;
  return { kind, block: bytes.readUInt32LE(0) as BlockId, needle, suffix };
}

function mask(bytes: Buffer): void {
  for (let i = 0; i < BYTES; i++) bytes[i] = (bytes[i] ?? 0) ^ (MASK[i % MASK.length] ?? 0);
}
