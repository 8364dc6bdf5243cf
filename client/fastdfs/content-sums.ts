/** What is computed of a file's bytes while they go by: length, CRC32, MD5. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { ObjectAttributes, ObjectChecksum } from "../../rpc/objects.ts";

export class ContentSums {
  readonly #md5 = createHash("md5");
  lengthBytes = 0;
  crc32 = 0;

  /** The same bytes; sums hold for all that was taken. */
  async *over(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    for await (const piece of bytes) {
      this.lengthBytes += piece.length;
      this.crc32 = crc32(piece, this.crc32);
      this.#md5.update(piece);
      yield piece;
    }
  }

  /** Hex. */
  md5(): string {
    return this.#md5.copy().digest("hex");
  }
}

export function crcAttribute(value: number): ObjectChecksum {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return { algorithm: "CRC32", value: bytes.toString("base64"), type: "FULL_OBJECT" };
}

/** What an object's checksum says, when it is of that kind. */
export function crcOf({ checksum }: ObjectAttributes): number | undefined {
  if (checksum?.algorithm !== "CRC32" || checksum.type !== "FULL_OBJECT") return undefined;
  return Buffer.from(checksum.value, "base64").readUInt32BE(0);
}
