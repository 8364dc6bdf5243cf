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
  pieceBytesMin: 8,
  copyBytes: 2_048,
  heartbeatMs: 200,
  heartbeatAnswerMs: 400,
  deviceDownMs: 700,
  blockOrderMs: 800,
  blockCallMs: 800,
  blockReadMs: 400,
  blockWorkMs: 5_000,
  mapAskMs: 100,
  poolsKeptMs: 400,
  hedgeMs: 60,
  stockLookMs: 150,
  scrubLookMs: 300,
  healingLookMs: 200,
  awakeLookMs: 500,
  standstillMs: 1_500,
  healingRestMs: 400,
  healingRetryMs: 200,
  healingLongestRetryMs: 1_500,
  collectRetryMs: 1_500,
  blockRestMs: 2_000,
  differRestMs: 1_000,
  differLongMs: 4_000,
  reconcileRestMs: 2_000,
  giveUpMs: 5_000,
  unknownLookMs: 2_000,
  stagedLookMs: 1_000,
  slotHoldMs: 100,
} satisfies Partial<Record<keyof typeof limits, number>>;

Object.assign(limits, short);
