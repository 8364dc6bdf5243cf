/** What all commands on streams share: `bucket/filename`, the way to the store, errors in words. */
import type { Command } from "commander";
import { QuarryError } from "../../base/errors.ts";
import { GridFSBucket, type GridFSBucketOptions } from "../../client/streams/bucket.ts";
import { MongoError, MongoInvalidArgumentError } from "../../client/streams/errors.ts";
import type { GridFSFile } from "../../client/streams/file.ts";
import { keyOfId } from "../../client/streams/id-key.ts";
import { Report } from "../objects/report.ts";
import { type PeerFlags, storeFlags, withClusterOptions } from "../peers.ts";
import { openStoreClient } from "../store-client.ts";

export interface StreamFlags extends PeerFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function withStreamOptions(command: Command): Command {
  return withClusterOptions(command)
    .option("--json", "print JSON, one object a line; errors too, on the error output")
    .option("-q, --quiet", "print errors only");
}

export interface StreamTarget {
  readonly bucket: string;
  /** Empty: the bucket alone was said. */
  readonly filename: string;
}

/** A filename may have slashes; a bucket has none. */
export function parseTarget(text: string): StreamTarget {
  const slash = text.indexOf("/");
  if (slash < 0) return { bucket: text, filename: "" };
  return { bucket: text.slice(0, slash), filename: text.slice(slash + 1) };
}

export function parseStream(text: string): StreamTarget {
  const target = parseTarget(text);
  if (target.bucket === "" || target.filename === "")
    throw new QuarryError("InvalidArgument", `${text} is no stream: say bucket/filename`);
  return target;
}

/** Runs a command on a bucket of a store that runs. */
export async function onBucket(
  flags: StreamFlags,
  bucketName: string,
  run: (bucket: GridFSBucket, report: Report) => Promise<void>,
  options: GridFSBucketOptions = {},
): Promise<void> {
  const report = new Report(flags);
  using _bar = report.progress;
  await using store = await openStoreClient(flags, (message) => report.warn(message));
  try {
    await run(new GridFSBucket(store, { ...options, bucketName }), report);
  } catch (error) {
    throw inWords(error, () => noSuchStream(bucketName, flags));
  }
  report.finish();
}

/** Neither a file nor, where one was asked for, a revision of it. */
export function noSuchStream(bucket: string, flags: PeerFlags): QuarryError {
  const list = `quarry stream ls ${bucket}${storeFlags(flags)}`;
  return new QuarryError(
    "NoSuchKey",
    `there is no such file or revision; \`${list}\` shows those there are`,
  );
}

function inWords(error: unknown, notThere: () => QuarryError): unknown {
  if (!(error instanceof MongoError)) return error;
  const { message, code, cause } = error;
  if (code === "ENOENT") return notThere();
  if (error instanceof MongoInvalidArgumentError)
    return new QuarryError("InvalidArgument", message);
  return cause instanceof QuarryError ? new QuarryError(cause.code, message, { cause }) : error;
}

/** A file as programs are told of it. */
export const fieldsOf = (file: GridFSFile) => ({
  ...{ id: keyOfId(file._id), filename: file.filename, bytes: file.length },
  ...{ chunkBytes: file.chunkSize, uploaded: file.uploadDate, contentType: file.contentType },
  metadata: file.metadata,
});
