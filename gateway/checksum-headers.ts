/** Which checksum of the body the head promises: a header with the value, or a trailer to come. */
import type { IncomingHttpHeaders } from "node:http";
import type { ChecksumAlgorithm } from "../rpc/objects.ts";
import {
  algorithmOfHeader,
  checksumAlgorithms,
  checksumHeader,
  isChecksumAlgorithm,
  isDigest,
} from "./checksums.ts";
import { S3Error } from "./s3/errors.ts";

export interface PromisedChecksum {
  readonly algorithm: ChecksumAlgorithm;
  /** base64; absent when it comes as a trailer. */
  readonly value?: string;
}

const headerNames = checksumAlgorithms.map(
  (algorithm) => [algorithm, checksumHeader(algorithm)] as const,
);

/** A value given as x-amz-checksum-*; at most one is allowed. */
export function checksumHeaderOf(headers: IncomingHttpHeaders): PromisedChecksum | undefined {
  let found: PromisedChecksum | undefined;
  for (const [algorithm, name] of headerNames) {
    const value = headers[name];
    if (typeof value !== "string") continue;
    if (found !== undefined)
      throw new S3Error("InvalidRequest", "Expecting a single x-amz-checksum- header.");
    found = { algorithm, value };
  }
  return found;
}

/** The algorithm that x-amz-checksum-algorithm names, for what has no body to promise. */
export function checksumAlgorithmOf(headers: IncomingHttpHeaders): ChecksumAlgorithm | undefined {
  const named = headers["x-amz-checksum-algorithm"];
  if (named === undefined) return undefined;
  const algorithm = String(named).toUpperCase();
  if (!isChecksumAlgorithm(algorithm))
    throw new S3Error("InvalidRequest", "Checksum algorithm provided is unsupported.");
  return algorithm;
}

export function promisedChecksum(
  headers: IncomingHttpHeaders,
  trailer: boolean,
): PromisedChecksum | undefined {
  const inHeader = checksumHeaderOf(headers);
  if (inHeader?.value !== undefined && !isDigest(inHeader.algorithm, inHeader.value))
    throw new S3Error(
      "BadDigest",
      `Value for ${checksumHeader(inHeader.algorithm)} header is invalid.`,
    );
  const inTrailer = announcedTrailer(headers["x-amz-trailer"], trailer);
  if (inHeader !== undefined && inTrailer !== undefined)
    throw new S3Error("InvalidRequest", "Expecting a single x-amz-checksum- header or trailer.");
  const promised = inHeader ?? inTrailer;
  const named = headers["x-amz-sdk-checksum-algorithm"];
  if (typeof named !== "string") return promised;
  if (!isChecksumAlgorithm(named.toUpperCase()))
    throw new S3Error("InvalidRequest", "The checksum algorithm is not known.");
  if (promised === undefined)
    throw new S3Error(
      "InvalidRequest",
      "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
    );
  if (promised.algorithm !== named.toUpperCase())
    throw new S3Error(
      "InvalidRequest",
      "Value for x-amz-sdk-checksum-algorithm header is invalid.",
    );
  return promised;
}

function announcedTrailer(
  header: string | string[] | undefined,
  trailer: boolean,
): PromisedChecksum | undefined {
  if (header === undefined) return undefined;
  const algorithm = algorithmOfHeader(String(header).trim().toLowerCase());
  if (algorithm === undefined || !trailer)
    throw new S3Error(
      "InvalidRequest",
      "The value specified in the x-amz-trailer header is not supported.",
    );
  return { algorithm };
}
