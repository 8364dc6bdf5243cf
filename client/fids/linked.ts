/**
 * Linked fids: a named object that a fid reads, too. A marked needle lists the object's chunks; the name,
 * which is the fid's, holds them and the list, so that all is collected when it goes. The list is written
 * first and named last (INV-1): what a crash leaves between is swept like any orphan.
 */
import { hasCode, QuarryError } from "../../base/errors.ts";
import { LIST_MARK } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { CommandResult, CopySource, FidList } from "../../rpc/commands.ts";
import type { ChunkRun } from "../../rpc/name-service.ts";
import type { Chunk, ObjectAttributes } from "../../rpc/objects.ts";
import { appendChunk } from "../append-chunk.ts";
import { withoutOwn } from "../own-attributes.ts";
import { type PutContext, storeBody } from "../put.ts";
import type { Body } from "../store.ts";
import type { App } from "./apps.ts";
import { putHead } from "./head.ts";
import { encodeList, type ListedChunk } from "./list.ts";
import { type Fid, fidName } from "./name.ts";

/** Content of any length under a name of its own, which is the fid's. */
export async function storeLinked(
  context: PutContext,
  body: Body,
  app: App,
  storageClass: string | undefined,
  attributes: () => ObjectAttributes,
): Promise<Fid> {
  return await storeBody(context, body, storageClass, async (content, chunks) => {
    const listed = chunks.map((chunk) => ({ ...chunk, from: 0, usedBytes: chunk.lengthBytes }));
    const { fid, list } = await storeList(context, listed, app);
    await context.names.execute({
      ...{ type: "putObject", bucket: app.bucket, bucketId: app.id, key: fidName("L", fid) },
      ...{ content, attributes: attributes(), list },
    });
    return fid;
  });
}

export interface LinkSource {
  readonly bucket: string;
  readonly bucketId?: number;
  readonly key: string;
  readonly version?: string;
  /** The version that the caller was found to be allowed to read. */
  readonly seen?: CopySource["seen"];
}

/** Gives an object a fid; no bytes are moved. */
export async function linkObject(context: PutContext, source: LinkSource, app: App): Promise<Fid> {
  for (let attempt = 1; ; attempt++) {
    const { chunks, seen, attributes } = await chunksOf(context, source);
    const { fid, list } = await storeList(context, chunks, app);
    try {
      const result: CommandResult = await context.names.execute({
        ...{ type: "copyObject", bucket: app.bucket, bucketId: app.id, key: fidName("L", fid) },
        ...{ source: { ...source, seen }, change: withoutOwn(attributes), list },
      });
      if (result.type === "copied") return fid;
    } catch (error) {
      // The block of the list settled meanwhile, or the object was replaced: both anew.
      const isOfTheMoment =
        hasCode(error, "BlockSettled") || (hasCode(error, "Changed") && !source.seen);
      if (!isOfTheMoment || attempt > limits.retries) throw error;
    }
  }
}

async function chunksOf({ names }: PutContext, source: LinkSource) {
  const { object, pin, run } = await names.lookup({ ...source, offset: 0 });
  const { lengthBytes, modifiedMs, attributes } = object;
  const chunks: ListedChunk[] = [];
  let next: ChunkRun | undefined = run;
  for (let at = 0; at < lengthBytes; at = next.end) {
    next =
      next !== undefined && next.offset === at && next.end > at
        ? next
        : await names.chunks(pin, at);
    if (next.end <= at) throw new QuarryError("Damaged", `the list of chunks ends at byte ${at}`);
    chunks.push(...next.chunks);
    if (chunks.length > limits.fidChunks)
      throw new QuarryError("TooLarge", `a fid has at most ${limits.fidChunks} chunks`);
  }
  return { chunks, seen: source.seen ?? { etag: attributes.etag, modifiedMs }, attributes };
}

async function storeList(
  context: PutContext,
  chunks: readonly ListedChunk[],
  { id }: App,
): Promise<{ readonly fid: Fid; readonly list: FidList }> {
  const bytes = encodeList(chunks);
  putHead(bytes, { bucketId: id, storedMs: context.clock.nowMs() });
  const blob = await context.blobIds.take();
  const owner = { blob, chunk: LIST_MARK };
  // Members that let the append wait read the bytes later: they are nobody else's.
  const chunk: Chunk = await appendChunk(context, owner, bytes, {});
  const list = { blob, lengthBytes: bytes.length, registered: 0, chunks: [chunk] };
  return { fid: chunk, list };
}
