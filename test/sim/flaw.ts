/** A bug that a test plants, to see that the simulation finds it. Nothing else passes one. */
import type { WorkContext, Worker } from "../../nameserver/workers/worker.ts";
import type { BlockService } from "../../rpc/block-service.ts";
import type { BatchFlaw } from "./sim-store.ts";

export interface Flaw {
  readonly name: string;
  /** A seed that finds it at once. Default 1. */
  readonly knownSeed?: number;
  /** Nameservers alone do it: it is looked for in worlds without dataservers. */
  readonly isBare?: boolean;
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
  /** A dataserver acknowledges a needle before its sync. */
  readonly storesEarly?: boolean;
  /** What becomes of the orders of a leader. */
  readonly orders?: (blocks: BlockService) => BlockService;
  /** What a leader does beside the right work. */
  readonly work?: (context: WorkContext) => Worker[];
  /** Puts the bug into the code; returns how to take it out again. */
  readonly plant?: () => () => void;
}
