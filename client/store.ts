/**
 * The storage client's face: what librados is to Ceph. Faces (S3, fids, streams) and `openStore`
 * are built on it. Metadata goes straight to `names`; bytes go through `put`, `putPart`, `open`.
 */
import type { CommandResult, CopySource, WriteConditions } from "../rpc/commands.ts";
import type { NameService, ObjectInfo, PartSpan } from "../rpc/name-service.ts";
import type { ObjectAttributes, ObjectChecksum } from "../rpc/objects.ts";
import type { Fids } from "./fids/fids.ts";
import type { Link, LinkRequest } from "./link.ts";

export interface PutTarget {
  readonly bucket: string;
  /** One made again under this name is refused as `NoSuchBucket`. */
  readonly bucketId?: number;
  readonly key: string;
  readonly conditions?: WriteConditions;
  /** Which pools its bytes go to; that the object has this class is for its attributes to say. */
  readonly storageClass?: string;
}

export interface PartTarget {
  readonly bucket: string;
  readonly bucketId?: number;
  readonly key: string;
  readonly upload: string;
  readonly part: number;
  readonly storageClass?: string;
}

/** A name that tells what it holds is made when the last byte was read. */
export type LateTarget = Omit<PutTarget, "key"> & { readonly key: string | (() => string) };

export interface SpliceTarget extends PutTarget {
  /** Absent: all of it, so that the body is appended. */
  readonly keep?: number;
  /** Absent, or behind the end: nothing stands behind the body. */
  readonly from?: number;
  /** Only this version is changed. */
  readonly seen?: CopySource["seen"];
}

/** Sees the chunks of a body on their way, so that its sums are computed beside the event loop. */
export interface ChunkWitness {
  /** The next chunk, which stays as it is until this resolves. */
  see(chunk: Uint8Array): Promise<void>;
  /** All chunks were seen: throws unless they are what was promised. Then nothing is stored. */
  verify(): Promise<void>;
  /** Called in the end, whatever became of the body. */
  close(): void;
}

export interface Body {
  /** The bytes, read once, with backpressure. A throw (bad digest, client gone) stores nothing. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** All of a small body at once, instead of `bytes`: at most a chunk, and the store's to keep. */
  readonly whole?: (() => Promise<Uint8Array>) | undefined;
  /** Absent when the sender does not say. */
  readonly lengthBytes?: number;
  /** Longest chunk to cut it into; default, and at most, `limits.chunkBytes`. */
  readonly chunkBytes?: number;
  readonly witness?: ChunkWitness;
}

export interface OpenObject {
  readonly object: ObjectInfo;
  /** Where the part is that was asked for. */
  readonly span?: PartSpan;
  /**
   * Bytes [offset, offset + lengthBytes) of the object as it was when opened, verified against
   * their checksums. Throws `Damaged` rather than give a wrong byte. Each view is valid until the
   * next one is asked for.
   */
  read(offset: number, lengthBytes: number): AsyncIterable<Uint8Array>;
  /**
   * The same of a few bytes that stand together, in one view of `payloadPool`: the caller may give it
   * back. Undefined for what is too long for that, or in pieces: `read` gives it.
   */
  readShort(offset: number, lengthBytes: number): Promise<Uint8Array> | undefined;
  /**
   * The same, but what comes is the caller's to keep: for those who hand it on and do not hear when it
   * was used. Costs fresh memory, which `read` uses again.
   */
  take(offset: number, lengthBytes: number): AsyncIterable<Uint8Array>;
}

export interface Store extends AsyncDisposable {
  readonly names: NameService;
  /** Files whose names say where they are. */
  readonly fids: Fids;
  /**
   * Stores an object. `attributes` is called when the last byte was read: it may throw (the digest
   * does not match), then nothing is stored. Resolves when the object exists (INV-1).
   */
  put(
    target: PutTarget | LateTarget,
    body: Body,
    attributes: () => ObjectAttributes,
  ): Promise<Extract<CommandResult, { type: "version" }>>;
  putPart(
    target: PartTarget,
    body: Body,
    attributes: () => { readonly etag: string; readonly checksum?: ObjectChecksum },
  ): Promise<void>;
  /**
   * New content out of the current one of a name: its bytes [0, keep), the body, its bytes from `from`
   * on. Nothing that stays is moved.
   */
  splice(target: SpliceTarget, body?: Body): Promise<Extract<CommandResult, { type: "spliced" }>>;
  /** Another name, of any face, for the content of a name; no bytes are moved. */
  link(request: LinkRequest): Promise<Link>;
  /** One look-up; `version` absent means the current one. */
  open(target: {
    readonly bucket: string;
    readonly key: string;
    readonly version?: string;
    /** Where reading will begin; negative: that many bytes from the end. Absent: HEAD only. */
    readonly offset?: number;
    /** The offset counts from the beginning of this part. */
    readonly part?: number;
  }): Promise<OpenObject>;
}
