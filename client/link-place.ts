/** Where a link to a file goes, and how it is described there. */

import { systemClock } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { systemRandom } from "../base/random.ts";
import type { Change } from "../rpc/commands.ts";
import { ContentSums, crcAttribute, crcOf } from "./fastdfs/content-sums.ts";
import { checkExtension, encodeName, newKey } from "./fastdfs/file-id.ts";
import type { NewFastdfsFile, NewStream, ObjectName } from "./link-names.ts";
import { type Attributes, withoutOwn } from "./own-attributes.ts";
import type { OpenObject } from "./store.ts";
import { documentToPlain } from "./streams/documents.ts";
import { checkFilename } from "./streams/file.ts";
import { keyOfId } from "./streams/id-key.ts";
import { ObjectId } from "./streams/object-id.ts";

/** Where FastDFS files are that nobody says the address of. */
const HERE = "127.0.0.1";

export interface LinkPlace {
  readonly key: string;
  /** Of a stream. */
  readonly id?: unknown;
  /** Nothing may be there yet. */
  readonly isNew: boolean;
  readonly change: Change<Attributes>;
}

export async function placeOf(
  to: ObjectName | NewStream | NewFastdfsFile,
  source: OpenObject,
): Promise<LinkPlace> {
  if ("filename" in to) return streamPlace(to, source);
  if ("extension" in to) return await fastdfsPlace(to, source);
  return { key: to.key, isNew: false, change: withoutOwn(source.object.attributes) };
}

function streamPlace(
  { filename, id = new ObjectId(), metadata }: NewStream,
  { object: { attributes } }: OpenObject,
): LinkPlace {
  checkFilename(filename);
  const { chunkSizeBytes = limits.chunkBytes, metadata: own } = attributes.stream ?? {};
  const kept = metadata === undefined ? own : documentToPlain(metadata);
  const stream = { filename, chunkSizeBytes, ...(kept !== undefined && { metadata: kept }) };
  return { key: keyOfId(id), id, isNew: true, change: { ...withoutOwn(attributes), stream } };
}

/** Its name tells length and CRC32. When nobody has kept that, the bytes are read once. */
async function fastdfsPlace(
  { extension, source = HERE }: NewFastdfsFile,
  opened: OpenObject,
): Promise<LinkPlace> {
  checkExtension(extension);
  const { lengthBytes, attributes } = opened.object;
  const crc32 = crcOf(attributes) ?? (await crcOfBytes(opened));
  const createdS = Math.floor(systemClock.nowMs() / 1000);
  const size = { kind: "normal", lengthBytes } as const;
  const name = encodeName({ source, createdS, size, crc32 }, systemRandom.u32());
  return {
    key: newKey(name, extension, () => systemRandom.u32() % 10),
    isNew: true,
    change: { ...withoutOwn(attributes), checksum: crcAttribute(crc32) },
  };
}

async function crcOfBytes({ object, read }: OpenObject): Promise<number> {
  const sums = new ContentSums();
  for await (const _ of sums.over(read(0, object.lengthBytes)));
  if (sums.lengthBytes === object.lengthBytes) return sums.crc32;
  throw new QuarryError("Damaged", `of ${object.key} only ${sums.lengthBytes} bytes can be read`);
}
