/** The checksum of a multipart object, from those of its parts. */

import {
  type CrcField,
  combineCrc,
  crc32cField,
  crc32Field,
  crc64Field,
} from "../base/checksum-combine.ts";
import type { ChecksumAlgorithm, ObjectChecksum } from "../rpc/objects.ts";
import { startChecksum } from "./checksums.ts";
import { S3Error } from "./s3/errors.ts";

export interface SummedPart {
  readonly lengthBytes: number;
  /** base64. */
  readonly checksum?: string;
}

/** COMPOSITE: the digest of the parts' digests. FULL_OBJECT: that of the bytes, by the algebra of CRCs. */
export function combineChecksums(
  algorithm: ChecksumAlgorithm,
  type: "FULL_OBJECT" | "COMPOSITE",
  parts: readonly SummedPart[],
): ObjectChecksum {
  const digests = parts.map(({ checksum }) => {
    if (checksum === undefined)
      throw new S3Error(
        "InvalidRequest",
        `The upload was created using the ${algorithm.toLowerCase()} checksum. All parts must be sent with it.`,
      );
    return Buffer.from(checksum, "base64");
  });
  if (type === "COMPOSITE") {
    const running = startChecksum(algorithm);
    for (const digest of digests) running.update(digest);
    return { algorithm, value: `${running.digest()}-${parts.length}`, type };
  }
  const field = fieldOf(algorithm);
  let sum = field.zero;
  digests.forEach((digest, i) => {
    sum = combineCrc(field, sum, digest, parts[i]?.lengthBytes ?? 0);
  });
  return { algorithm, value: sum.toString("base64"), type };
}

function fieldOf(algorithm: ChecksumAlgorithm): CrcField {
  switch (algorithm) {
    case "CRC32":
      return crc32Field;
    case "CRC32C":
      return crc32cField;
    case "CRC64NVME":
      return crc64Field;
    case "SHA1":
    case "SHA256":
      throw new S3Error("InvalidRequest", `${algorithm} has no checksum of the full object.`);
  }
}
