/** Walks over the chunks of some content and cuts windows from them, fetching runs as it goes. */
import { assert, QuarryError } from "../base/errors.ts";
import type { NeedleKind } from "../base/ids.ts";
import type { ChunkRun, ContentPin, NameService } from "../rpc/name-service.ts";
import type { Chunk } from "../rpc/objects.ts";

/** A chunk as it is read. */
export type ReadableChunk = Omit<Chunk, "crc32c"> & {
  /** Absent: nothing tells it; what the pieces are verified by is all there is. */
  readonly crc32c?: number;
  /** Members give it only if it is of this kind. */
  readonly only?: NeedleKind;
};

/** Chunks that cover some content, as a reader has them. */
export type ReadableRun = Omit<ChunkRun, "chunks"> & {
  readonly chunks: readonly (ReadableChunk &
    Pick<ChunkRun["chunks"][number], "from" | "usedBytes">)[];
};

/** A run of bytes of one chunk. */
export interface Window {
  readonly chunk: ReadableChunk;
  /** Offset in the chunk. */
  readonly from: number;
  readonly lengthBytes: number;
}

export class ContentCursor {
  readonly #names: NameService;
  readonly #pin: ContentPin;
  #run: ReadableRun | undefined;
  /** Offset in the content of the next byte. */
  #at: number;
  readonly #end: number;
  /** Position in the run, and where in the content that chunk begins. */
  #index = 0;
  #chunkStart = 0;

  /** Over [offset, end) of the content; `first` is the run that a look-up brought, if any. */
  constructor(
    names: NameService,
    pin: ContentPin,
    first: ReadableRun | undefined,
    offset: number,
    end: number,
  ) {
    this.#names = names;
    this.#pin = pin;
    this.#at = offset;
    this.#end = end;
    if (first !== undefined && first.offset <= offset && offset < first.end) this.#enter(first);
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** Of the content, behind the windows so far. */
  get leftBytes(): number {
    return this.#end - this.#at;
  }

  /** The chunk that the next window is of. Only while not {@link done}. */
  async chunk(): Promise<ReadableRun["chunks"][number]> {
    assert(!this.done, "a cursor at its end is in no chunk");
    for (;;) {
      const run = this.#run ?? this.#enter(await this.#names.chunks(this.#pin, this.#at));
      const chunk = run.chunks[this.#index];
      if (chunk === undefined) {
        if (this.#index === 0)
          throw new QuarryError("Damaged", `the list of chunks ends at byte ${this.#at}`);
        this.#run = undefined;
        continue;
      }
      const chunkEnd = this.#chunkStart + chunk.usedBytes;
      if (this.#at < chunkEnd) return chunk;
      this.#chunkStart = chunkEnd;
      this.#index++;
    }
  }

  /** The next window, at most `maxBytes`. Only while not {@link done}. */
  async next(maxBytes: number): Promise<Window> {
    const chunk = await this.chunk();
    const chunkEnd = this.#chunkStart + chunk.usedBytes;
    const lengthBytes = Math.min(this.#end, chunkEnd, this.#at + maxBytes) - this.#at;
    const from = chunk.from + (this.#at - this.#chunkStart);
    this.#at += lengthBytes;
    return { chunk, from, lengthBytes };
  }

  #enter(run: ReadableRun): ReadableRun {
    this.#run = run;
    this.#index = 0;
    this.#chunkStart = run.offset;
    return run;
  }
}
