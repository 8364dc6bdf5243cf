/** A bug that a test plants, to see that the simulation finds it. Nothing else passes one. */
import type { BatchFlaw } from "./sim-store.ts";

export interface Flaw {
  readonly name: string;
  /** Files whose syncs are skipped. */
  readonly liesAbout?: (path: string) => boolean;
  /** A change is acknowledged as soon as it was proposed. */
  readonly answersEarly?: boolean;
  /** A read is answered without asking whether this node still leads. */
  readonly readsAtOnce?: boolean;
  /** A crash loses term and vote. */
  readonly forgetsVote?: boolean;
  /** A batch of the state can lose its head in a crash, so that its entries are applied again. */
  readonly splitsBatches?: boolean;
  /** What becomes of each batch of a snapshot that is received. */
  readonly receives?: BatchFlaw;
  /** Puts the bug into the code; returns how to take it out again. */
  readonly plant?: () => () => void;
}
