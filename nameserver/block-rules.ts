/**
 * The decisions on which the bytes of objects hang, each a small pure function. They stand here
 * together so that they can be read together, and so that the simulator can put a wrong one in the
 * place of each and show that it is found (test/sim/planted-blocks.ts). Nothing but a test passes
 * others.
 */
import type { BlockRow } from "./rows.ts";

export interface BlockRules {
  /** Whether a first reference into such a block is taken (INV-4). */
  readonly takesReferences: (state: BlockRow["state"] | undefined) => boolean;
  /** Whether a block that was sealed then has rested long enough to settle. */
  readonly mayBeSettled: (sealedMs: number, afterMs: number, nowMs: number) => boolean;
  /**
   * Whether what nobody names may be removed from a block, `restedMs` after its seal. A writer that is
   * refused a reference when it settles still finds its chunk, to write it anew elsewhere.
   */
  readonly mayBeSwept: (state: BlockRow["state"], restedMs: number, settleMs: number) => boolean;
  /** Until when a name that is gone is held. */
  readonly heldUntilMs: (goneMs: number, holdMs: number) => number;
  /** How many hold a blob after one more does. */
  readonly oneMore: (holders: number) => number;
}

export const blockRules: BlockRules = {
  takesReferences: (state) => state === "open" || state === "sealed",
  mayBeSettled: (sealedMs, afterMs, nowMs) => sealedMs + afterMs <= nowMs,
  mayBeSwept: (state, restedMs, settleMs) => state === "settled" && restedMs >= 2 * settleMs,
  heldUntilMs: (goneMs, holdMs) => goneMs + holdMs,
  oneMore: (holders) => holders + 1,
};
