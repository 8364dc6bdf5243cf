/** The five checksums that S3 clients send, computed while bytes pass. Values are base64 of big-endian bytes. */
import { createHash } from "node:crypto";
import { crc32, crc32c } from "../base/checksum.ts";
import { Crc64Nvme } from "../base/checksum-crc64.ts";
import type { ChecksumAlgorithm } from "../rpc/objects.ts";

export interface RunningChecksum {
  update(data: Uint8Array): void;
  digest(): string;
}

export const checksumAlgorithms: readonly ChecksumAlgorithm[] = [
  "CRC32",
  "CRC32C",
  "CRC64NVME",
  "SHA1",
  "SHA256",
];

const digestBytes: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};

export function isChecksumAlgorithm(text: string): text is ChecksumAlgorithm {
  return Object.hasOwn(digestBytes, text);
}

/** `x-amz-checksum-crc32` … */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

const algorithmOf = new Map(checksumAlgorithms.map((a) => [checksumHeader(a), a]));

export function algorithmOfHeader(name: string): ChecksumAlgorithm | undefined {
  return algorithmOf.get(name);
}

/** Whether a text is the base64 of a digest of this algorithm. */
export function isDigest(algorithm: ChecksumAlgorithm, text: string): boolean {
  const bytes = Buffer.from(text, "base64");
  return bytes.length === digestBytes[algorithm] && bytes.toString("base64") === text;
}

class Crc implements RunningChecksum {
  readonly #step: (data: Uint8Array, seed: number) => number;
  #value = 0;
  constructor(step: (data: Uint8Array, seed: number) => number) {
    this.#step = step;
  }
  update(data: Uint8Array): void {
    this.#value = this.#step(data, this.#value);
  }
  digest(): string {
    const out = Buffer.allocUnsafe(4);
    out.writeUInt32BE(this.#value >>> 0);
    return out.toString("base64");
  }
}

export function startChecksum(algorithm: ChecksumAlgorithm): RunningChecksum {
  switch (algorithm) {
    case "CRC32":
      return new Crc(crc32);
    case "CRC32C":
      return new Crc(crc32c);
    case "CRC64NVME": {
      const crc = new Crc64Nvme();
      return { update: (data) => crc.update(data), digest: () => crc.digest().toString("base64") };
    }
    case "SHA1":
    case "SHA256": {
      const hash = createHash(algorithm === "SHA1" ? "sha1" : "sha256");
      return { update: (data) => void hash.update(data), digest: () => hash.digest("base64") };
    }
  }
}
