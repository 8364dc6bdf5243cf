export function crcText(value: number): string {
  return crcBytes(value).toString("base64");
}

export function crcBytes(value: number): Buffer {
  const out = Buffer.allocUnsafe(4);
  out.writeUInt32BE(value >>> 0);
  return out;
}

/** The hexadecimal MD5 that an ETag states; undefined for one of parts or of another making. */
export function md5OfEtag(etag: string | undefined): string | undefined {
  return /^"?([0-9a-f]{32})"?$/i.exec(etag ?? "")?.[1]?.toLowerCase();
}
