/**
 * Small maxima, so that few needles make chunks, pages and batches. Imported before everything else:
 * some modules read their limits when they are loaded.
 */
import { limits } from "../../base/limits.ts";

const short = {
  chunkBytes: 64,
  inlineChunks: 3,
  chunksPerPage: 32,
  chunkRun: 3,
  removeBatch: 8,
  registerEveryMs: 150,
  slotHoldMs: 100,
} satisfies Partial<Record<keyof typeof limits, number>>;

Object.assign(limits, short);
