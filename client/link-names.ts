/** Names of files as each face has them, and what a link needs of them: the key that it is, or shall be. */
import { QuarryError } from "../base/errors.ts";
import { fidName, parseFidName } from "./fids/name.ts";
import type { Store } from "./store.ts";
import type { Document } from "./streams/documents.ts";
import { fileNotFound } from "./streams/errors.ts";
import { StreamFiles } from "./streams/files.ts";
import { keyOfId } from "./streams/id-key.ts";

/** An object. */
export interface ObjectName {
  readonly bucket: string;
  readonly key: string;
}

/** A file of a {@link GridFSBucket}, by its id or as a revision of its name (-1, the default: the newest). */
export type StreamName =
  | { readonly bucket: string; readonly id: unknown }
  | { readonly bucket: string; readonly filename: string; readonly revision?: number };

/** A new file of a {@link GridFSBucket}: the newest revision of its name. */
export interface NewStream {
  readonly bucket: string;
  readonly filename: string;
  /** Default a new ObjectId. One that is taken is refused with `ConditionFailed`. */
  readonly id?: unknown;
  /** Default: that of a source that is a stream. */
  readonly metadata?: Document;
}

/** A linked fid (`L…`). A bare one (`T…`) holds its content itself, so there is nothing to link. */
export interface FidName {
  readonly bucket: string;
  readonly fid: string;
}

/** A new fid of a bucket, with this suffix; empty: with none. */
export interface NewFid {
  readonly bucket: string;
  readonly suffix: string;
}

/** A new file of a FastDFS group (`group1`), which is a bucket. Its id is made of what it holds. */
export interface NewFastdfsFile {
  readonly bucket: string;
  /** As `jpg`; empty: none. */
  readonly extension: string;
  /** The address that the id tells. */
  readonly source?: string;
}

/** `version` absent: the current one. A FastDFS file is an object, its key what stands behind the group. */
export type LinkSource = (ObjectName & { readonly version?: string }) | StreamName | FidName;
export type LinkTarget = ObjectName | NewStream | NewFid | NewFastdfsFile;

export async function sourceOf(
  store: Store,
  from: LinkSource,
): Promise<ObjectName & { readonly version?: string }> {
  if ("key" in from) return from;
  const { bucket } = from;
  if ("id" in from) return { bucket, key: keyOfId(from.id) };
  if ("fid" in from) return { bucket, key: keyOfFid(from.fid) };
  const { filename, revision = -1 } = from;
  const found = await new StreamFiles(store.names, bucket).revision(filename, revision);
  if (found === undefined) throw fileNotFound(`there is no revision ${revision} of ${filename}`);
  return { bucket, key: found.key };
}

/** @throws QuarryError `InvalidArgument` for one that cannot be linked. */
export function keyOfFid(name: string): string {
  const fid = parseFidName(name);
  if (fid?.kind === "L") return fidName("L", fid);
  throw new QuarryError(
    "InvalidArgument",
    `${name} is no linked fid (L…), and nothing else of fids can be linked: fetch it, and store what it holds`,
  );
}
