/**
 * Streams by filename: a row for every current version that is a stream and has a name. Where a version
 * becomes current or ceases to be, and where it is described anew, its row comes and goes.
 */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { type StreamInfo, uploadedMs } from "../../rpc/streams.ts";
import { keys, type RowKey, U56_MAX } from "../keyspace.ts";
import { STREAMS } from "../levels.ts";
import type { NameRow, StreamRow } from "../rows.ts";
import type { ApplyContext } from "./context.ts";

/** Where a version is found by its filename, if it is. */
export function streamKey(bucket: number, row: NameRow): RowKey<StreamRow> | undefined {
  const { stream } = row.attributes;
  if (stream?.filename === undefined) return undefined;
  return keys.stream(bucket, stream.filename, uploadedMs(stream, row.ms), row.seq);
}

export function indexStream(
  context: ApplyContext,
  bucket: number,
  key: string,
  row: NameRow,
): void {
  const at = streamKey(bucket, row);
  // A member of the version before does not know the field: it keeps it, and makes no row for it.
  if (at !== undefined && context.level >= STREAMS) context.rows.put(at, { key });
}

export function forgetStream({ rows }: ApplyContext, bucket: number, row: NameRow): void {
  const at = streamKey(bucket, row);
  if (at !== undefined) rows.delete(at);
}

/** @throws QuarryError `InvalidArgument`, `TooLarge` for what cannot be kept. */
export function checkStream(stream: StreamInfo | null | undefined): void {
  if (stream === undefined || stream === null) return;
  const { filename, chunkSizeBytes, uploadedMs: ms, metadata } = stream;
  if (filename !== undefined) checkFilename(filename);
  if (!Number.isSafeInteger(chunkSizeBytes) || chunkSizeBytes < 1)
    throw new QuarryError("InvalidArgument", "a stream has chunks of at least 1 byte");
  if (ms !== undefined && !(Number.isSafeInteger(ms) && ms >= 0 && ms <= U56_MAX))
    throw new QuarryError("InvalidArgument", "a time of upload is a whole number of ms since 1970");
  if (metadata === undefined) return;
  const { streamMetadataBytes } = limits;
  if (Buffer.byteLength(JSON.stringify(metadata) ?? "") > streamMetadataBytes)
    throw new QuarryError("TooLarge", `the metadata has at most ${streamMetadataBytes} bytes`);
}

function checkFilename(filename: string): void {
  if (typeof filename !== "string" || !filename.isWellFormed())
    throw new QuarryError("InvalidArgument", "a filename is valid UTF-8");
  if (Buffer.byteLength(filename) > limits.keyBytes)
    throw new QuarryError("TooLarge", `a filename has at most ${limits.keyBytes} bytes`);
}
