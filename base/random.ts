/** Chance enters here, so that a test can replay it from a seed. */
import { randomBytes, randomFillSync } from "node:crypto";
import type { NeedleId } from "./ids.ts";

export interface Random {
  /** `length` fresh random bytes. */
  bytes(length: number): Buffer;
  /** A uniform integer in 0 … 2^32-1. */
  u32(): number;
  /** A uniform non-zero 64-bit id. */
  needleId(): NeedleId;
  /** An RFC 4122 version 4 UUID. */
  uuid(): string;
}

/** Derives the whole interface from a source of bytes. */
export function randomFrom(bytes: (length: number) => Buffer): Random {
  const u32 = () => bytes(4).readUInt32LE(0);
  return {
    bytes,
    u32,
    needleId() {
      const id = bytes(8).readBigUInt64LE(0);
      return (id === 0n ? 1n : id) as NeedleId;
    },
    uuid() {
      const raw = bytes(16);
      raw[6] = ((raw[6] ?? 0) & 0x0f) | 0x40;
      raw[8] = ((raw[8] ?? 0) & 0x3f) | 0x80;
      const hex = raw.toString("hex");
      return [
        hex.slice(0, 8),
        hex.slice(8, 12),
        hex.slice(12, 16),
        hex.slice(16, 20),
        hex.slice(20),
      ].join("-");
    },
  };
}

const pool = Buffer.alloc(8192);
let poolUsed = pool.length;

/** Cryptographic chance. Small draws share one system call. */
export const systemRandom: Random = randomFrom((length) => {
  if (length > 64) return randomBytes(length);
  if (poolUsed + length > pool.length) {
    randomFillSync(pool);
    poolUsed = 0;
  }
  poolUsed += length;
  return Buffer.from(pool.subarray(poolUsed - length, poolUsed));
});

/** A replayable source for tests and simulations (splitmix32). Not for secrets. */
export function seededRandom(seed: number): Random {
  let mix = seed >>> 0;
  const next = () => {
    mix = (mix + 0x9e3779b9) >>> 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
  return randomFrom((length) => {
    const out = Buffer.alloc(length);
    for (let i = 0; i < length; i++) out[i] = next() & 0xff;
    return out;
  });
}
