/** Gives names to stored bytes that nothing names: each blob that is there from its beginning becomes an object. */
import { createHash } from "node:crypto";
import { crc32c } from "../../base/checksum.ts";
import { QuarryError } from "../../base/errors.ts";
import { type BlobId, LIST_MARK } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { InspectedNeedles } from "../../dataserver/inspected-needles.ts";
import { ROOT_USER } from "../../gateway/identity.ts";
import type { Rebuilding } from "../../nameserver/backup/rebuilding.ts";
import { keys } from "../../nameserver/keyspace.ts";
import type { Chunk } from "../../rpc/objects.ts";
import type { Orphan } from "../fsck/cross-check.ts";

export interface Salvaged {
  readonly bucket: string | undefined;
  readonly objects: number;
  readonly bytes: number;
  /** Blobs of which the beginning, or a part in the middle, is not there or damaged. */
  readonly broken: number;
}

/** Orphans by blob; of copies on several devices one is kept. */
export class Orphans {
  readonly #blobs = new Map<BlobId, Map<number, Orphan>>();

  add(orphan: Orphan): void {
    // The list of a linked fid is no content: the object is given a new one.
    if (orphan.chunk >= LIST_MARK) return;
    const chunks = this.#blobs.get(orphan.blob) ?? new Map<number, Orphan>();
    const known = chunks.get(orphan.chunk);
    // A chunk that was written anew elsewhere is there twice: both were good.
    if (known === undefined || known.from.harmed.has(known.needle))
      chunks.set(orphan.chunk, orphan);
    this.#blobs.set(orphan.blob, chunks);
  }

  get blobs(): number {
    return this.#blobs.size;
  }

  *all(): Generator<readonly [blob: BlobId, chunks: readonly Orphan[]]> {
    for (const [blob, chunks] of this.#blobs)
      yield [blob, [...chunks.values()].toSorted((a, b) => a.chunk - b.chunk)];
  }
}

export async function salvage(
  inspected: InspectedNeedles,
  rebuilding: Rebuilding,
  orphans: Orphans,
  bucket: string,
): Promise<Salvaged> {
  let [objects, bytes, broken] = [0, 0, 0];
  for (const [blob, chunks] of orphans.all()) {
    if (objects === 0 && !isThere(rebuilding, bucket))
      await rebuilding.give({ type: "createBucket", bucket, owner: ROOT_USER });
    const content = await read(inspected, chunks);
    const stored = content && (await name(rebuilding, bucket, blob, content));
    if (stored === undefined) broken++;
    else {
      objects++;
      bytes += stored;
    }
  }
  return { bucket: objects + broken === 0 ? undefined : bucket, objects, bytes, broken };
}

function isThere(rebuilding: Rebuilding, bucket: string): boolean {
  return rebuilding.state.get(keys.bucket(bucket)) !== undefined;
}

interface Content {
  readonly chunks: readonly Chunk[];
  readonly etag: string;
}

/** Undefined when it is not there from its beginning on without a gap. */
async function read(
  inspected: InspectedNeedles,
  orphans: readonly Orphan[],
): Promise<Content | undefined> {
  const hash = createHash("md5");
  const chunks: Chunk[] = [];
  for (const [i, { block, needle, lengthBytes, chunk }] of orphans.entries()) {
    if (chunk !== i) return undefined;
    const bytes = await inspected.read(block, needle);
    if (bytes === undefined) return undefined;
    hash.update(bytes);
    chunks.push({ block, needle, lengthBytes, crc32c: crc32c(bytes) });
  }
  return { chunks, etag: hash.digest("hex") };
}

/** The object's length; undefined when the metadata say that these bytes were given up. */
async function name(
  rebuilding: Rebuilding,
  bucket: string,
  blob: BlobId,
  { chunks, etag }: Content,
): Promise<number | undefined> {
  const lengthBytes = chunks.reduce((sum, chunk) => sum + chunk.lengthBytes, 0);
  try {
    for (let first = 0; first < chunks.length; first += limits.commandChunks)
      await rebuilding.give({
        type: "addChunks",
        ...{ blob, first, chunks: chunks.slice(first, first + limits.commandChunks) },
      });
    const content = { blob, lengthBytes, registered: chunks.length, chunks: [] };
    const key = `blob-${String(blob).padStart(16, "0")}`;
    await rebuilding.give({ type: "putObject", bucket, key, content, attributes: { etag } });
    return lengthBytes;
  } catch (error) {
    if (error instanceof QuarryError) return undefined;
    throw error;
  }
}
