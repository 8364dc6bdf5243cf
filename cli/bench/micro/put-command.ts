/** The command that most benches of the metadata repeat: a name with one chunk of 4 KiB. */
import type { BlobId, BlockId, NeedleId } from "../../../base/ids.ts";
import type { Command } from "../../../rpc/commands.ts";

/** Needles have random ids in life; here any that differ. */
const SPREAD = 0x9e3779b97f4a7c15n;

/** Keys of a thousand folders, in turns. */
export const keyUnder = (prefix: string, i: number): string =>
  `${prefix}/d${String(i % 1000).padStart(4, "0")}/${i}`;

export function putCommand(
  bucket: string,
  key: string,
  blob: BlobId,
  block: BlockId,
): Extract<Command, { type: "putObject" }> {
  const needle = BigInt.asUintN(64, BigInt(blob) * SPREAD) as NeedleId;
  return {
    type: "putObject",
    bucket,
    key,
    content: {
      blob,
      lengthBytes: 4096,
      registered: 0,
      chunks: [{ block, needle, lengthBytes: 4096, crc32c: blob % 2 ** 32 }],
    },
    attributes: { etag: "9e107d9d372bb6826bd81d3542a419d6", contentType: "text/plain" },
  };
}
