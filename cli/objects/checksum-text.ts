/** Checksums as S3 writes them: base64 of big-endian bytes; ETags as MD5 where they are one. */
import { crc32c } from "../../base/checksum.ts";

export function crcText(value: number): string {
  return crcBytes(value).toString("base64");
}

export function crcBytes(value: number): Buffer {
  const out = Buffer.allocUnsafe(4);
  out.writeUInt32BE(value >>> 0);
  return out;
}

export function crc32cText(data: Uint8Array): string {
  return crcText(crc32c(data));
}

/** The hexadecimal MD5 that an ETag states; undefined for one of parts or of another making. */
export function md5OfEtag(etag: string | undefined): string | undefined {
  return /^"?([0-9a-f]{32})"?$/i.exec(etag ?? "")?.[1]?.toLowerCase();
}
