/** Seeded commands of every kind over few names, so that they meet. Some are meant to be refused. */
import type { BlobId, BlockId, NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Random } from "../../base/random.ts";
import type { AnyCommand, AnyResult } from "../../nameserver/command.ts";

import type { StateReader } from "../../nameserver/group/group.ts";
import { KeyReader, keys } from "../../nameserver/keyspace.ts";
import { read } from "../../nameserver/queries/read.ts";
import type { CopySource, NewBlob } from "../../rpc/commands.ts";

import type { Chunk } from "../../rpc/objects.ts";
import type { StreamInfo } from "../../rpc/streams.ts";
import { allOf } from "./audit.ts";

export const BUCKETS = ["one", "two"] as const;
export const KEYS = ["a", "b/c", "b/d", "é\0", "\u{1F600}"] as const;
const MiB = 1024 * 1024;
/** Written versions that copies read. */
const SOURCES = 12;

export class RandomCommands {
  readonly #random: Random;
  readonly #faces: boolean;
  #blob = 1;
  #needle = 1n;
  readonly versions: string[] = ["null"];
  #uploads: { bucket: string; key: string; upload: string; staged: number }[] = [];
  #sources: CopySource[] = [];
  #pending: { blob: BlobId; chunks: number; length: number }[] = [];

  /** @param faces also what other faces than S3 do; without it old seeds give the commands that they gave. */
  constructor(random: Random, faces = false) {
    this.#random = random;
    this.#faces = faces;
  }

  pick<T>(from: readonly T[]): T {
    const one = from[this.#random.u32() % from.length];
    if (one === undefined) throw new Error("nothing to pick from");
    return one;
  }

  /** What every state begins with. */
  static opening(): AnyCommand[] {
    return [
      { type: "leaseBlobs", count: 4096 },
      { type: "addBlock", block: 1 as BlockId, generation: 1, pool: 0, members: [] },
      { type: "addBlock", block: 2 as BlockId, generation: 1, pool: 0, members: [] },
      ...BUCKETS.map((bucket) => ({ type: "createBucket" as const, bucket, owner: "me" })),
    ];
  }

  chunks(count: number, lengthBytes = 100): Chunk[] {
    return Array.from({ length: count }, () => ({
      block: this.pick([1, 2]) as BlockId,
      needle: this.#needle++ as NeedleId,
      lengthBytes,
      crc32c: Number(this.#needle % 1000n),
    }));
  }

  content(lengthBytes?: number): NewBlob {
    const pending = this.#random.u32() % 4 === 0 ? this.#pending.shift() : undefined;
    const chunks = this.chunks(this.#random.u32() % 4, lengthBytes);
    const own = chunks.reduce((sum, chunk) => sum + chunk.lengthBytes, 0);
    return {
      blob: pending?.blob ?? (this.#blob++ as BlobId),
      lengthBytes: (pending?.length ?? 0) + own,
      registered: pending?.chunks ?? 0,
      chunks,
    };
  }

  /** Keeps what later commands can refer to. */
  saw(command: AnyCommand, result: AnyResult): void {
    if (result.type === "version") this.versions.push(result.version);
    this.#sawSource(command, result);
    if (command.type === "createUpload" && result.type === "upload")
      this.#uploads.push({ ...command, upload: result.upload, staged: 0 });
    // Few at a time, so that their parts meet; sometimes one that has ended is spoken of again.
    if (command.type === "abortUpload" || command.type === "completeUpload")
      this.#uploads = this.#uploads.filter(
        ({ upload }) => upload !== command.upload || this.#random.u32() % 8 === 0,
      );
    if (command.type === "stageParts" && result.type === "staged")
      this.#uploads = this.#uploads.map((one) =>
        one.upload === command.upload ? { ...one, staged: result.staged } : one,
      );
    if (command.type === "addChunks") {
      const length = command.chunks.reduce((sum, chunk) => sum + chunk.lengthBytes, 0);
      this.#pending.push({ blob: command.blob, chunks: command.chunks.length, length });
    }
  }

  #sawSource(command: AnyCommand, result: AnyResult): void {
    if (!("bucket" in command && "key" in command)) return;
    const etag =
      result.type === "copied"
        ? result.etag
        : command.type === "putObject"
          ? command.attributes.etag
          : command.type === "completeUpload"
            ? command.etag
            : undefined;
    if (etag === undefined || (result.type !== "version" && result.type !== "copied")) return;
    const { bucket, key } = command;
    const { version, modifiedMs } = result;
    const named = this.#random.u32() % 2 === 0 ? { bucket, key, version } : { bucket, key };
    this.#sources = [...this.#sources.slice(1 - SOURCES), { ...named, seen: { etag, modifiedMs } }];
  }

  next(): AnyCommand {
    const target = { bucket: this.pick(BUCKETS), key: this.pick(KEYS) };
    const etag = `e${this.#random.u32() % 3}`;
    switch (this.#random.u32() % (this.#faces ? 29 : 25)) {
      case 0:
        return {
          type: "configureBucket",
          ...target,
          change: { versioning: this.pick(["enabled", "suspended"]) },
        };
      case 1:
        return { type: "deleteObject", ...target, version: this.pick(this.versions) };
      case 2:
        return {
          type: "deleteObject",
          ...target,
          ...(this.#random.u32() % 2 === 0 && { version: this.pick(this.versions) }),
          conditions: { ifMatch: this.pick(["*", '"e1"', "e2"]) },
        };
      case 3:
      case 4:
        return { type: "deleteObject", ...target };
      case 5:
        return { type: "undelete", ...target };
      case 6: {
        const blob = this.#blob++ as BlobId;
        const chunks = this.chunks(1 + (this.#random.u32() % 300));
        return { type: "addChunks", blob, first: 0, chunks };
      }
      case 7:
        return { type: "dropBlob", blob: this.#pending.shift()?.blob ?? (999_999 as BlobId) };
      case 8:
        return { type: "createUpload", ...target, attributes: { owner: "me" } };
      case 9:
      case 10:
      case 11:
      case 12:
        return this.#uploadCommand(target, etag);
      case 22:
      case 23:
      case 24:
        return this.#copyCommand(target);
      case 25:
      case 26:
        return this.#spliceCommand(target);
      case 27: {
        const stream = this.pick([null, this.#stream(), this.#stream()]);
        return { type: "describeObject", ...target, change: { stream } };
      }
      case 28: {
        const attributes = { etag, stream: this.#stream() };
        return { type: "putObject", ...target, content: this.content(), attributes };
      }
      case 20:
        return { type: "describeObject", ...target, change: { tags: { etag } } };
      case 21: {
        const change = this.pick([{ tags: null }, { acl: null }]);
        return { type: "describeObject", ...target, version: this.pick(this.versions), change };
      }
      case 13:
        return {
          type: "putObject",
          ...target,
          content: this.content(),
          attributes: { etag },
          conditions: this.pick([{ ifNoneMatch: "*" }, { ifMatch: '"e1"' }]),
        };
      default:
        return { type: "putObject", ...target, content: this.content(), attributes: { etag } };
    }
  }

  #spliceCommand(target: { bucket: string; key: string }): AnyCommand {
    const range = this.pick([{}, { keep: 0 }, { keep: 100 }, { keep: 50, from: 150 }]);
    const content = this.#random.u32() % 4 === 0 ? {} : { content: this.content() };
    return { type: "spliceObject", ...target, ...range, ...content };
  }

  /** Of a linked fid. */
  #list(): NewBlob {
    const blob = this.#blob++ as BlobId;
    return { blob, lengthBytes: 100, registered: 0, chunks: this.chunks(1) };
  }

  #stream(): StreamInfo {
    const uploadedMs = this.pick([{}, { uploadedMs: 5 }]);
    return { filename: this.pick(["", "film", "film\0", "é"]), chunkSizeBytes: 1, ...uploadedMs };
  }

  #copyCommand(target: { bucket: string; key: string }): AnyCommand {
    if (this.#sources.length === 0) return { type: "undelete", ...target };
    const checksum = { algorithm: "CRC32", value: "AAAAAA==", type: "FULL_OBJECT" } as const;
    const change = this.pick([{}, { owner: "you", tags: null }, { checksum }]);
    const source = this.pick(this.#sources);
    const copy = { type: "copyObject", ...target, source, change } as const;
    switch (this.#faces ? this.#random.u32() % 6 : 0) {
      case 1:
      case 2:
        return { ...copy, list: this.#list() };
      case 3:
        return { ...copy, bucket: source.bucket, key: source.key };
      case 4:
        return { ...copy, change: { ...change, stream: this.#stream() } };
      default:
        return copy;
    }
  }

  #uploadCommand(target: { bucket: string; key: string }, etag: string): AnyCommand {
    if (this.#uploads.length === 0)
      return { type: "createUpload", ...target, attributes: { owner: "me" } };
    const { bucket, key, upload, staged } = this.pick(this.#uploads.slice(-3));
    const at = { bucket, key, upload };
    const part = 1 + (this.#random.u32() % 3);
    switch (this.#random.u32() % 13) {
      case 8:
      case 9:
      case 10:
      case 11: {
        if (this.#sources.length === 0) return { type: "abortUpload", ...at };
        const source = this.pick(this.#sources);
        const range = this.pick([
          {},
          { range: { offset: 50, lengthBytes: 100 } },
          { range: { offset: MiB, lengthBytes: 5 * MiB } },
          { range: { offset: 3, lengthBytes: 6 * MiB } },
        ]);
        return { type: "putPartCopy", ...at, part, source, etag: `p${part}`, ...range };
      }
      case 0:
      case 1:
      case 2:
        return { type: "putPart", ...at, part, content: this.content(2 * MiB), etag: `p${part}` };
      case 3:
      case 4:
        return { type: "stageParts", ...at, staged: 0, parts: [{ part, etag: `"p${part}"` }] };
      case 5:
        return { type: "stageParts", ...at, staged, parts: [{ part, etag: `p${part}` }] };
      case 6:
        return { type: "completeUpload", ...at, staged, etag: `${etag}-${staged}` };
      case 7:
        return { type: "completeUpload", ...at, staged, etag: `${etag}-${staged}` };
      default:
        return { type: "abortUpload", ...at };
    }
  }

  /** What the workers would propose, everything due at once. */
  static async chores(state: StateReader): Promise<AnyCommand[]> {
    const numbers = async (tag: "dueQueue" | "pendingQueue" | "collectQueue" | "dropQueue") =>
      (await allOf(state, tag)).map(({ key }) => {
        const reader = new KeyReader(key);
        return [reader.u56(), key.length > 8 ? reader.u56() : 0] as const;
      });
    return [
      {
        type: "expireTrash",
        items: (await numbers("dueQueue")).map(([dueMs, sequence]) => ({ dueMs, sequence })),
      },
      {
        type: "expirePending",
        items: (await numbers("pendingQueue")).map(([untilMs, blob]) => ({
          untilMs,
          blob: blob as BlobId,
        })),
      },
      {
        type: "collected",
        items: (await numbers("collectQueue")).map(([queued, blob]) => ({
          queued,
          blob: blob as BlobId,
          keep: 0,
        })),
      },
      ...(await numbers("dropQueue")).flatMap(([queued]): AnyCommand[] => {
        const left = read(state, keys.dropQueue(queued));
        if (left?.kind === "content") {
          const slices = read(state, keys.content(left.content))?.slices ?? 0;
          const page = Math.ceil(slices / limits.slicesPerPage) - 1;
          return [{ type: "dropContentPage", queued, page }];
        }
        const parts = Array.from({ length: 64 }, (_, i) => i + 1);
        return [{ type: "dropParts", queued, parts, last: true }];
      }),
    ];
  }
}
