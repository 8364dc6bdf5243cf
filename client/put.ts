/**
 * Storing bytes: a stream is cut into chunks, every chunk becomes a needle on every member of an
 * open block, and the list of chunks is what a command then gives a name (INV-1, INV-2).
 */
import { endsWithin } from "../base/clock.ts";
import { hasCode, QuarryError } from "../base/errors.ts";
import type { BlobId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { NewBlob } from "../rpc/commands.ts";
import type { NameService } from "../rpc/name-service.ts";
import type { Chunk } from "../rpc/objects.ts";
import { type AppendContext, appendChunk, rewriteChunk } from "./append-chunk.ts";
import type { BlobIds } from "./blob-ids.ts";
import { ChunkCutter } from "./chunk-cutter.ts";
import type { MemoryBudget, Slot } from "./memory-budget.ts";
import type { Placed } from "./pool-choice.ts";
import type { Body } from "./store.ts";

export interface PutContext extends AppendContext {
  readonly names: NameService;
  readonly blobIds: BlobIds;
  readonly budget: MemoryBudget;
}

/** One command that gives a blob its name; `chunks` are all of its chunks. */
type NameIt<T> = (content: NewBlob, chunks: readonly Chunk[]) => Promise<T>;

/**
 * Stores the whole body and then calls `name` with the blob, which must give it a name by one
 * command. When anything fails, what was registered is dropped; the rest is swept.
 */
export async function storeBody<T>(
  context: PutContext,
  body: Body,
  storageClass: string | undefined,
  name: NameIt<T>,
): Promise<T> {
  const taken = context.blobIds.take();
  const blob = typeof taken === "number" ? taken : await taken;
  const placed = { storageClass, objectBytes: body.lengthBytes };
  const writer = new BlobWriter(context, blob, placed);
  try {
    const { whole } = body;
    const lengthBytes =
      whole === undefined ? await writer.writeAll(body) : await writer.writeWhole(await whole());
    return await writer.finish(lengthBytes, name);
  } catch (error) {
    await writer.giveUp();
    throw error;
  } finally {
    body.witness?.close();
  }
}

class BlobWriter {
  readonly #context: PutContext;
  readonly #blob: BlobId;
  readonly #placed: Placed;
  readonly #chunks: Chunk[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #registered = 0;
  #registeredAtMs: number;
  #failure: unknown;

  constructor(context: PutContext, blob: BlobId, placed: Placed) {
    this.#context = context;
    this.#blob = blob;
    this.#placed = placed;
    this.#registeredAtMs = context.clock.monotonicMs();
  }

  /** The only chunk there is, and it is nobody else's: it needs no slot and no copy. */
  async writeWhole(bytes: Uint8Array): Promise<number> {
    if (bytes.length === 0) return 0;
    const owner = { blob: this.#blob, chunk: 0 };
    this.#chunks[0] = await appendChunk(this.#context, owner, bytes, this.#placed);
    return bytes.length;
  }

  /** Reads the body to its end; resolves with its length when all chunks are durable. */
  async writeAll(body: Body): Promise<number> {
    const cutter = new ChunkCutter(this.#context.budget, this.#context.clock, body);
    let position = 0;
    let lengthBytes = 0;
    try {
      for (;;) {
        const slot = await this.#nextChunk(cutter);
        if (slot === undefined) break;
        lengthBytes += slot.buffer.length;
        const sending = this.#send(slot, position++, body.witness).finally(() => {
          this.#underWay.delete(sending);
        });
        this.#underWay.add(sending);
        if (this.#underWay.size >= limits.chunksUnderWay) await Promise.race(this.#underWay);
        if (this.#failure !== undefined) break;
        await this.#registerWhenDue();
      }
    } finally {
      await cutter.close();
      await Promise.all(this.#underWay);
    }
    if (this.#failure !== undefined) throw this.#failure;
    await body.witness?.verify();
    return lengthBytes;
  }

  /** Names the blob. A chunk whose block was settled meanwhile is written anew (INV-4). */
  finish<T>(lengthBytes: number, name: NameIt<T>): Promise<T> {
    const refer = () =>
      this.#inLiveBlocks(() =>
        name(
          {
            blob: this.#blob,
            lengthBytes,
            registered: this.#registered,
            chunks: this.#chunks.slice(this.#registered),
          },
          this.#chunks,
        ),
      );
    return this.#chunks.length > limits.inlineChunks ? this.#register().then(refer) : refer();
  }

  async giveUp(): Promise<void> {
    if (this.#registered === 0) return;
    try {
      await this.#context.names.execute({ type: "dropBlob", blob: this.#blob });
    } catch (error) {
      // The blob expires by itself; the first error is the one to tell.
      if (!(error instanceof QuarryError)) throw error;
    }
  }

  /** Never rejects: the failure is kept for `writeAll`, which waits for all chunks. */
  async #send(slot: Slot, position: number, witness: Body["witness"]): Promise<void> {
    let seen: Promise<void> | undefined;
    let lastUse: Promise<unknown> | undefined;
    const keep = (use: Promise<unknown>) => {
      lastUse = use;
    };
    try {
      seen = witness?.see(slot.buffer);
      const owner = { blob: this.#blob, chunk: position };
      const { buffer } = slot;
      this.#chunks[position] = await appendChunk(this.#context, owner, buffer, this.#placed, keep);
    } catch (error) {
      this.#failure ??= error;
    } finally {
      if (lastUse === undefined && seen === undefined) slot[Symbol.dispose]();
      else void Promise.allSettled([lastUse, seen]).then(() => slot[Symbol.dispose]());
    }
  }

  /** While the sender takes its time, what is stored already is registered. */
  async #nextChunk(cutter: ChunkCutter): Promise<Slot | undefined> {
    const next = cutter.next();
    // Of the first chunk nothing can become due meanwhile.
    if (this.#chunks.length === 0 && this.#underWay.size === 0) return await next;
    try {
      while (!(await endsWithin(this.#context.clock, next, limits.registerEveryMs)))
        await this.#registerWhenDue();
    } catch (error) {
      this.#failure ??= error;
    }
    return await next;
  }

  /** Registers chunks as they come, so that their blocks are not settled before they are named. */
  async #registerWhenDue(): Promise<void> {
    const waiting = this.#stored() - this.#registered;
    if (waiting === 0) return;
    const dueMs = this.#registeredAtMs + limits.registerEveryMs;
    if (waiting >= limits.chunksPerPage / 4 || this.#context.clock.monotonicMs() >= dueMs)
      await this.#register();
  }

  async #register(): Promise<void> {
    const upTo = this.#stored();
    await this.#inLiveBlocks(() =>
      this.#context.names.execute({
        type: "addChunks",
        blob: this.#blob,
        first: this.#registered,
        chunks: this.#chunks.slice(this.#registered, upTo),
      }),
    );
    this.#registered = upTo;
    this.#registeredAtMs = this.#context.clock.monotonicMs();
  }

  /** What was written anew may have settled, too, by the time that all of it was. */
  async #inLiveBlocks<T>(refer: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries++)
      try {
        return await refer();
      } catch (error) {
        if (tries === limits.retries || !hasCode(error, "BlockSettled")) throw error;
        await this.#rewrite(error);
      }
  }

  /** Chunks that nobody named for long are swept: then the whole is to be sent again. */
  async #rewrite(settled: QuarryError): Promise<void> {
    for (let position = this.#registered; position < this.#stored(); position++) {
      const chunk = this.#chunks[position];
      if (chunk === undefined) break;
      const owner = { blob: this.#blob, chunk: position };
      try {
        this.#chunks[position] = await rewriteChunk(this.#context, owner, chunk, this.#placed);
      } catch (error) {
        throw hasCode(error, "NoSuchBlock", "Damaged") ? settled : error;
      }
    }
  }

  /** How many chunks from the first on are stored without a gap. */
  #stored(): number {
    let upTo = this.#registered;
    while (this.#chunks[upTo] !== undefined) upTo++;
    return upTo;
  }
}
