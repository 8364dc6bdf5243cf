/**
 * Upload and download streams as programs have them (`GridFSBucket`), through the store's metadata and
 * blocks themselves: cutting, checksums and verifying are the load's own work, and stand in its column.
 */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { QuarryError } from "../../base/errors.ts";
import { GridFSBucket } from "../../client/streams/bucket.ts";
import { openStoreClient } from "../store-client.ts";
import type { Answer, Client, Request } from "./request.ts";
import type { Measured } from "./stored.ts";

/** As a socket or a file hands them on. */
const PIECE_BYTES = 64 * 1024;

export function streamClient({ target }: Pick<Measured, "target">): Client {
  const { peers, bucket: bucketName } = target;
  if (peers === undefined)
    throw new QuarryError(
      "InvalidArgument",
      `streams go past S3: of ${target.url} the folder must be known, with --store or --cluster`,
    );
  const opening = openStoreClient(peers, (message) => console.error(message));
  return {
    async lane() {
      const bucket = new GridFSBucket(await opening, { bucketName });
      return { send: (request) => send(bucket, request), [Symbol.dispose]: () => undefined };
    },
    async [Symbol.asyncDispose]() {
      await (await opening)[Symbol.asyncDispose]();
    },
  };
}

async function send(bucket: GridFSBucket, request: Request): Promise<Answer> {
  if (request.type === "put") {
    const { key, body } = request;
    await pipeline(
      Readable.from(piecesOf(body), { objectMode: false }),
      bucket.openUploadStreamWithId(key, key),
    );
    return { bodyBytes: 0 };
  }
  if (request.type === "get") {
    let bodyBytes = 0;
    for await (const piece of bucket.openDownloadStream(request.key) as AsyncIterable<Buffer>)
      bodyBytes += piece.length;
    return { bodyBytes };
  }
  throw new QuarryError("NotImplemented", `streams are not asked to ${request.type}`);
}

function* piecesOf(body: Buffer): Generator<Buffer> {
  for (let at = 0; at < body.length; at += PIECE_BYTES) yield body.subarray(at, at + PIECE_BYTES);
}
