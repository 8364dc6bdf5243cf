/**
 * What must be said of needles, from the log alone: which blob each key of the clients has, until
 * when a blob without a key is held, which chunks a blob has. Nothing of this asks reference counts.
 */
import type { BlobId, BlockId, NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { defaultSettings } from "../../nameserver/apply/context.ts";
import { unpackChunks } from "../../nameserver/chunk-codec.ts";
import type { AnyCommand } from "../../nameserver/command.ts";
import { keys } from "../../nameserver/keyspace.ts";
import { read } from "../../nameserver/queries/read.ts";
import type { BlockRow } from "../../nameserver/rows.ts";
import type { StateReads } from "../../nameserver/state-store.ts";
import type { Chunk } from "../../rpc/objects.ts";
import { WATCHED } from "./cuts.ts";

/** Blocks that random commands speak of; no needle stands in them. */
export const IMAGINED: ReadonlySet<BlockId> = new Set([1, 2] as BlockId[]);

export interface Owned {
  readonly needle: NeedleId;
  readonly blob: BlobId;
  readonly chunk: number;
}

export interface Reference extends Owned {
  readonly lengthBytes: number;
}

export class Names {
  readonly #store: StateReads;
  readonly #blobs = new Map<string, BlobId>();
  readonly #names = new Map<BlobId, number>();
  readonly #heldUntilMs = new Map<BlobId, number>();
  /** All that ever was named in a block. */
  readonly #references = new Map<BlockId, Map<NeedleId, Reference>>();
  /** Of the log. */
  timeMs = 0;

  constructor(store: StateReads) {
    this.#store = store;
  }

  /** The command took effect. */
  follow(command: AnyCommand): void {
    this.#refer(command);
    if (!("bucket" in command) || command.bucket !== WATCHED || !("key" in command)) return;
    const { type, key } = command;
    if (type === "putObject") this.#name(key, command.content.blob);
    else if (type === "copyObject") this.#name(key, this.#blobs.get(command.source.key));
    else if (type === "deleteObject") this.#name(key, undefined);
  }

  get keys(): ReadonlyMap<string, BlobId> {
    return this.#blobs;
  }

  row(block: BlockId): BlockRow | undefined {
    return read(this.#store, keys.block(block));
  }

  /** What of a block is needed now, by a name, a held name, or a blob in the making. */
  *neededIn(block: BlockId): Generator<Reference> {
    for (const reference of this.#references.get(block)?.values() ?? [])
      if (this.whyNeeded(block, reference) !== undefined) yield reference;
  }

  /** Why a needle may not go; undefined: it may. */
  whyNeeded(block: BlockId, needle: Owned): "named" | "held" | "in use" | undefined {
    const { blob } = needle;
    const head = read(this.#store, keys.blob(blob));
    if (head === undefined || !this.isNamed(block, needle)) return undefined;
    if ((this.#names.get(blob) ?? 0) > 0) return "named";
    if ((this.#heldUntilMs.get(blob) ?? 0) > this.timeMs) return "held";
    return head.refs > 0 || head.pendingUntilMs !== undefined ? "in use" : undefined;
  }

  /** Whether the owner of a needle, if there is one, names it. */
  isNamed(block: BlockId, { blob, chunk, needle }: Owned): boolean {
    const named = this.#chunkOf(blob, chunk);
    return named?.block === block && named.needle === needle;
  }

  chunksOf(blob: BlobId): Chunk[] {
    const head = read(this.#store, keys.blob(blob));
    if (head === undefined) return [];
    if (head.inline !== undefined) return unpackChunks(head.inline);
    const pages = Math.ceil(head.chunks / limits.chunksPerPage);
    return Array.from({ length: pages }, (_, page) =>
      read(this.#store, keys.page(blob, page)),
    ).flatMap((page) => unpackChunks(page?.chunks ?? new Uint8Array()));
  }

  #chunkOf(blob: BlobId, chunk: number): Chunk | undefined {
    return this.chunksOf(blob)[chunk];
  }

  /** A blob that is named or continued here for the first time. */
  #refer(command: AnyCommand): void {
    if (command.type !== "addChunks" && command.type !== "putObject" && command.type !== "putPart")
      return;
    const blob = command.type === "addChunks" ? command.blob : command.content.blob;
    for (const [chunk, { block, needle, lengthBytes }] of this.chunksOf(blob).entries()) {
      if (IMAGINED.has(block)) continue;
      const here = this.#references.get(block) ?? new Map<NeedleId, Reference>();
      this.#references.set(block, here.set(needle, { needle, blob, chunk, lengthBytes }));
    }
  }

  #name(key: string, blob: BlobId | undefined): void {
    const before = this.#blobs.get(key);
    if (blob === undefined) this.#blobs.delete(key);
    else {
      this.#blobs.set(key, blob);
      this.#names.set(blob, (this.#names.get(blob) ?? 0) + 1);
    }
    if (before === undefined) return;
    this.#names.set(before, (this.#names.get(before) ?? 0) - 1);
    const { holdMs } = read(this.#store, keys.settings()) ?? defaultSettings;
    this.#heldUntilMs.set(before, this.timeMs + holdMs);
  }
}

/** Chunks that a command names for the first time. */
export function referencesOf(command: AnyCommand): readonly Chunk[] {
  switch (command.type) {
    case "addChunks":
      return command.chunks;
    case "putObject":
    case "putPart":
      return command.content.chunks;
    default:
      return [];
  }
}
