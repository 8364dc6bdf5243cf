/** The devices that a block is written anew to, and the parts of their files on the way there. */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { BlockAddress, BlockStatus } from "../../rpc/block-service.ts";
import type { StageOrder } from "../../rpc/stripe-service.ts";
import type { Peer } from "../rebuild/sources.ts";
import type { Superblock } from "../superblock.ts";
import { SPAN, spanSum } from "./format.ts";

export interface Target {
  readonly piece: number;
  readonly address: BlockAddress;
  readonly peer: Pick<Peer, "stage" | "finishStage">;
}

/** One target's file, written from its beginning to its end. */
export class TargetFile {
  readonly superblock: Superblock;
  readonly #target: Target;
  readonly #order: StageOrder;
  readonly #spend: (bytes: number) => Promise<void>;
  #end = 0;
  #sums: number[] = [];

  constructor(
    target: Target,
    order: Pick<StageOrder, "term" | "generation">,
    superblock: Superblock,
    spend: (bytes: number) => Promise<void>,
  ) {
    this.#target = target;
    this.superblock = superblock;
    this.#order = { ...target.address, ...order, encoding: superblock.salt };
    this.#spend = spend;
  }

  get endBytes(): number {
    return this.#end;
  }

  /** Of the spans that went through {@link span}. */
  get sums(): Uint32Array {
    return Uint32Array.from(this.#sums);
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length; from += limits.fetchBytes) {
      const part = bytes.subarray(from, from + limits.fetchBytes);
      await this.#target.peer.stage(this.#order, this.#end, part);
      this.#end += part.length;
      await this.#spend(part.length);
    }
  }

  /** Part of the range: whole spans, unless it is its end. */
  async appendRange(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += SPAN)
      this.#sums.push(spanSum(this.superblock, this.#sums.length, bytes.subarray(at, at + SPAN)));
    await this.append(bytes);
  }

  async finish(digest: bigint): Promise<BlockStatus> {
    const status = await this.#target.peer.finishStage(this.#order, this.#end);
    if (status.digest === digest) return status;
    const { block } = this.#target.address;
    throw new QuarryError("Damaged", `block ${block} was read back with other needles`);
  }
}
