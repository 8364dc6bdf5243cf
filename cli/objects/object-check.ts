/**
 * What a store says of an object's bytes, and whether the bytes that came are these: its checksum of
 * the full object where it has one, else the MD5 that its ETag states, else only the length.
 */
import { createHash } from "node:crypto";
import { crc32, crc32c } from "../../base/checksum.ts";
import {
  type CrcField,
  combineCrc,
  crc32cField,
  crc32Field,
  crc64Field,
} from "../../base/checksum-combine.ts";
import { Crc64Nvme } from "../../base/checksum-crc64.ts";
import { crcBytes, md5OfEtag } from "./checksum-text.ts";

export type CrcName = "CRC32" | "CRC32C" | "CRC64NVME";
export type HashName = "MD5" | "SHA1" | "SHA256";

/** Values in hexadecimal. */
export type Expected =
  | { readonly kind: "crc"; readonly name: CrcName; readonly hex: string }
  | { readonly kind: "hash"; readonly name: HashName; readonly hex: string }
  | { readonly kind: "length" };

export interface Described {
  readonly ETag?: string | undefined;
  readonly ChecksumType?: string | undefined;
  readonly ChecksumCRC32?: string | undefined;
  readonly ChecksumCRC32C?: string | undefined;
  readonly ChecksumCRC64NVME?: string | undefined;
  readonly ChecksumSHA1?: string | undefined;
  readonly ChecksumSHA256?: string | undefined;
  readonly ServerSideEncryption?: string | undefined;
  readonly SSECustomerAlgorithm?: string | undefined;
}

/** A composite checksum (`…-3`) is of checksums of parts, not of the bytes. */
export function expectedOf(object: Described): Expected {
  const full = (text: string | undefined) =>
    text === undefined || text.includes("-") || object.ChecksumType === "COMPOSITE"
      ? undefined
      : Buffer.from(text, "base64").toString("hex");
  const crcs = [
    ["CRC32C", full(object.ChecksumCRC32C)],
    ["CRC32", full(object.ChecksumCRC32)],
    ["CRC64NVME", full(object.ChecksumCRC64NVME)],
  ] as const;
  for (const [name, hex] of crcs) if (hex !== undefined) return { kind: "crc", name, hex };
  const hashes = [
    ["SHA256", full(object.ChecksumSHA256)],
    ["SHA1", full(object.ChecksumSHA1)],
  ] as const;
  for (const [name, hex] of hashes) if (hex !== undefined) return { kind: "hash", name, hex };
  const md5 = md5OfEtag(object.ETag);
  const isOwnKey =
    object.ServerSideEncryption?.startsWith("aws:") === true ||
    object.SSECustomerAlgorithm !== undefined;
  if (md5 !== undefined && !isOwnKey) return { kind: "hash", name: "MD5", hex: md5 };
  return { kind: "length" };
}

/** `CRC32C`, `MD5`, …; what a report calls the proof. */
export function proofName(expected: Expected): string {
  return expected.kind === "length" ? "length only" : expected.name;
}

export interface Running {
  update(data: Uint8Array): void;
  hex(): string;
}

export function startCrc(name: CrcName): Running {
  if (name === "CRC64NVME") {
    const crc = new Crc64Nvme();
    return { update: (data) => crc.update(data), hex: () => crc.digest().toString("hex") };
  }
  const step = name === "CRC32" ? crc32 : crc32c;
  let value = 0;
  return {
    update(data) {
      value = step(data, value);
    },
    hex: () => crcBytes(value).toString("hex"),
  };
}

/** Sums bytes that come in their order; one that expects only a length sums nothing. */
export function startExpected(expected: Expected): Running {
  switch (expected.kind) {
    case "crc":
      return startCrc(expected.name);
    case "hash": {
      const hash = createHash(expected.name.toLowerCase());
      return { update: (data) => void hash.update(data), hex: () => hash.digest("hex") };
    }
    case "length":
      return { update: () => undefined, hex: () => "" };
  }
}

const fields: Readonly<Record<CrcName, CrcField>> = {
  CRC32: crc32Field,
  CRC32C: crc32cField,
  CRC64NVME: crc64Field,
};

/** The CRC of runs that follow each other, from the CRC of each. */
export function joinCrcs(
  name: CrcName,
  runs: Iterable<{ readonly hex: string; readonly bytes: number }>,
): string {
  let sum = fields[name].zero;
  for (const { hex, bytes } of runs)
    sum = combineCrc(fields[name], sum, Buffer.from(hex, "hex"), bytes);
  return sum.toString("hex");
}
