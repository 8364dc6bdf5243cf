/** The blocks that a dataserver writes anew in another layout: a few at a time, each once. */
import { QuarryError } from "../../base/errors.ts";
import type { BlockId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Converted } from "../../rpc/stripe-service.ts";
import { type ConvertContext, convert } from "./convert.ts";

export class Conversions {
  readonly #running = new Map<BlockId, Promise<Converted>>();
  readonly #stop = new AbortController();

  async run(context: Omit<ConvertContext, "signal">): Promise<Converted> {
    const { block } = context.order;
    if (this.#running.has(block))
      throw new QuarryError("Busy", `block ${block} is being converted here`);
    if (this.#running.size >= limits.conversionsAtOnce)
      throw new QuarryError("Busy", `${this.#running.size} blocks are being converted here`);
    const running = convert({ ...context, signal: this.#stop.signal });
    this.#running.set(block, running);
    try {
      return await running;
    } finally {
      this.#running.delete(block);
    }
  }

  /** Resolves when nothing is under way any more. */
  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#running.values());
  }
}
