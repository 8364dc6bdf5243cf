/**
 * Files without names of their own, as a program uses them: whoever stores one is told its fid, and that
 * is all that is kept. What may be absent is `undefined`; everything else that does not succeed throws.
 */
import { hasCode } from "../../base/errors.ts";
import type { FidInfo } from "../fids/fids.ts";
import type { Store } from "../store.ts";
import { type Content, HashedContent } from "./content.ts";
import { StoredContent } from "./stored-content.ts";

export interface FileOptions {
  /** As `.jpg`: it becomes part of the fid, and the file is not found without it. */
  readonly suffix?: string;
  readonly storageClass?: string;
  /** An `L` fid in any case, which can be linked. */
  readonly large?: boolean;
}

export class Files {
  readonly bucket: string;
  readonly #client: Store;

  constructor(client: Store, bucket: string) {
    this.#client = client;
    this.bucket = bucket;
  }

  /** Resolves with the fid, when the bytes are on the disk. */
  async store(content: Content, options: FileOptions = {}): Promise<string> {
    const target = { bucket: this.bucket, ...options };
    return (await this.#client.fids.store(target, new HashedContent(content))).name;
  }

  async fetch(fid: string): Promise<StoredContent | undefined> {
    const open = await absent(this.#client.fids.fetch(this.bucket, fid));
    if (open === undefined) return undefined;
    const { read } = open;
    const take = (offset: number, lengthBytes: number) => copies(read(offset, lengthBytes));
    return new StoredContent(open.lengthBytes, { read, take });
  }

  /** Also of one that is hidden. */
  async stat(fid: string): Promise<(FidInfo & { readonly isHidden: boolean }) | undefined> {
    return await absent(this.#client.fids.stat(this.bucket, fid));
  }

  /** Whether there was one or not. A bare fid (`T…`) cannot be brought back. */
  async remove(fid: string): Promise<void> {
    await absent(this.#client.fids.remove(this.bucket, fid));
  }

  /** Until it is revealed, nobody finds it. */
  async hide(fid: string): Promise<void> {
    await this.#client.fids.hide(this.bucket, fid);
  }

  async reveal(fid: string): Promise<void> {
    await this.#client.fids.reveal(this.bucket, fid);
  }
}

async function absent<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (hasCode(error, "NoSuchKey")) return undefined;
    throw error;
  }
}

/** What is handed on is kept by others, who knows how long. */
async function* copies(views: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const view of views) yield Uint8Array.from(view);
}
