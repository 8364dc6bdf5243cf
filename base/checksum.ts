/**
 * Checksums. CRC32C (Castagnoli) guards everything that Quarry writes; the others are what S3
 * clients send. Values are unsigned 32-bit numbers.
 */
import { crc32c as castagnoli, crc32 as ieee } from "@node-rs/crc32";

/** CRC32C of `data`, continued from `seed` (the CRC of what comes before it). */
export function crc32c(data: Uint8Array, seed = 0): number {
  return castagnoli(data as Buffer, seed);
}

/** CRC32 (IEEE 802.3) of `data`, continued from `seed`. */
export function crc32(data: Uint8Array, seed = 0): number {
  return ieee(data as Buffer, seed);
}
