/**
 * Copies of the metadata are compressed with Zstandard (RFC 8878): rows and entries that follow each other
 * are much alike, and come to about a quarter. A group that has members of an earlier version, whose
 * `quarry rescue` does not know this, writes them plain.
 */
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompressSync } from "node:zlib";
import { assert } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { levelOf } from "../levels.ts";
import type { StateReads } from "../state-store.ts";

/** The format number that manifests and runs carry. */
export const formats = { plain: 1, zstd: 2 } as const;
export type CopyForm = keyof typeof formats;

/** From this level on all members can read compressed ones. */
const COMPRESSED = 4;

export const formOf = (state: StateReads): CopyForm =>
  levelOf(state) < COMPRESSED ? "plain" : "zstd";

export function formOfFormat(format: number): CopyForm | undefined {
  if (format === formats.plain) return "plain";
  return format === formats.zstd ? "zstd" : undefined;
}

const zstd = promisify(zstdCompress);
/** The fastest is as good as the default for rows, which are small. */
const params = { [constants.ZSTD_c_compressionLevel]: 1 };

export async function pack(form: CopyForm, bytes: Buffer): Promise<Buffer> {
  assert(bytes.length <= limits.copyPlainBytes, "what is packed can be unpacked");
  return form === "plain" ? bytes : await zstd(bytes, { params });
}

/** Undefined when these are not bytes that {@link pack} made. */
export function unpack(form: CopyForm, bytes: Buffer): Buffer | undefined {
  if (form === "plain") return bytes;
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: limits.copyPlainBytes });
  } catch {
    return undefined;
  }
}
