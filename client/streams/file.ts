/** A file as users of GridFS know it, and the object that it is. */
import type { StreamInfo, StreamObject } from "../../rpc/streams.ts";
import { uploadedMs } from "../../rpc/streams.ts";
import { type Document, documentFromPlain, documentToPlain } from "./documents.ts";
import { MongoInvalidArgumentError } from "./errors.ts";
import { idOfKey } from "./id-key.ts";

export interface GridFSFile {
  // biome-ignore lint/suspicious/noExplicitAny: an ObjectId, unless the file was given another id
  readonly _id: any;
  readonly length: number;
  /** Bytes of a chunk; the last one may have fewer. */
  readonly chunkSize: number;
  readonly uploadDate: Date;
  /** Absent only of files that came without one. */
  readonly filename: string;
  readonly metadata?: Document;
  readonly contentType?: string;
}

export function fileOf(object: Omit<StreamObject, "deleteMarker" | "version">): GridFSFile {
  const { stream, contentType } = object.attributes;
  const { filename, metadata } = stream;
  return {
    _id: idOfKey(object.key),
    length: object.lengthBytes,
    chunkSize: stream.chunkSizeBytes,
    uploadDate: new Date(uploadedMs(stream, object.modifiedMs)),
    ...({ ...(filename !== undefined && { filename }) } as { filename: string }),
    ...(metadata !== undefined && { metadata: documentFromPlain(metadata) }),
    ...(contentType !== undefined && { contentType }),
  };
}

export interface StreamDescription {
  readonly filename?: string;
  readonly chunkSizeBytes: number;
  readonly metadata?: Document;
  readonly uploadDate?: Date;
}

/** @throws MongoInvalidArgumentError for what cannot be kept. */
export function streamOf(description: StreamDescription): StreamInfo {
  const { filename, chunkSizeBytes, metadata, uploadDate } = description;
  if (filename !== undefined) checkFilename(filename);
  const ms = uploadDate?.getTime();
  if (ms !== undefined && !(ms >= 0))
    throw new MongoInvalidArgumentError("uploadDate is a date from 1970 on");
  return {
    ...(filename !== undefined && { filename }),
    chunkSizeBytes,
    ...(ms !== undefined && { uploadedMs: ms }),
    ...(metadata !== undefined && { metadata: documentToPlain(metadata) }),
  };
}

export function checkFilename(filename: unknown): asserts filename is string {
  if (typeof filename !== "string" || !filename.isWellFormed())
    throw new MongoInvalidArgumentError("a filename is text");
}
