/** The blocks of a device that are being made anew: a few at a time, each once. */
import { QuarryError } from "../../base/errors.ts";
import type { BlockId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Codec } from "../../erasure/codec.ts";
import type { RebuildOrder, RebuildProgress, Rebuilt } from "../../rpc/healing-service.ts";
import type { Device } from "../device.ts";
import { rebuildStriped } from "../striped/rebuild-striped.ts";
import type { StripeSource } from "../striped/stripe-sources.ts";
import { type RebuildRun, rebuild } from "./rebuild.ts";

interface Running extends RebuildRun {
  readonly stop: AbortController;
  readonly done: Promise<Rebuilt>;
}

export class Rebuilds {
  readonly #running = new Map<BlockId, Running>();

  /** An order that is under way is joined, and goes on under the later of the two terms. */
  async run(
    device: Device,
    order: RebuildOrder,
    sources: readonly StripeSource[],
    codec: Codec | undefined,
  ): Promise<Rebuilt> {
    device.parts.term.check(order.term);
    const there = this.#running.get(order.block);
    if (there !== undefined) return await join(there, order);
    if (this.#running.size >= limits.rebuildsAtOnce)
      throw new QuarryError("Busy", `${device.directory} makes ${this.#running.size} blocks anew`);
    const stop = new AbortController();
    const counts = { needles: 0, needlesDone: 0, bytes: 0, bytesDone: 0 };
    const run = { order, term: order.term, signal: stop.signal, ...counts };
    const rebuilding =
      order.layout === "striped" && codec !== undefined
        ? rebuildStriped(device, run, sources, codec)
        : rebuild(device, run, sources, codec);
    const done = rebuilding.finally(() => this.#running.delete(order.block));
    this.#running.set(order.block, Object.assign(run, { stop, done }));
    return await done;
  }

  progress(): RebuildProgress[] {
    return [...this.#running.values()].map((run) => {
      const { needles, needlesDone, bytes, bytesDone, order } = run;
      const { device, block, generation } = order;
      return { device, block, generation, needles, needlesDone, bytes, bytesDone };
    });
  }

  /** The block goes: what is on its way to its place is given up. */
  cancel(block: BlockId): void {
    this.#running.get(block)?.stop.abort();
  }

  /** Resolves when nothing is under way any more. */
  async end(): Promise<void> {
    const running = [...this.#running.values()];
    for (const { stop } of running) stop.abort();
    await Promise.allSettled(running.map(({ done }) => done));
  }
}

async function join(there: Running, order: RebuildOrder): Promise<Rebuilt> {
  const { generation, piece } = there.order;
  if (generation !== order.generation || piece !== order.piece)
    throw new QuarryError("Busy", `block ${order.block} is being made anew as another piece`);
  if (order.term !== undefined && order.term > (there.term ?? 0)) there.term = order.term;
  return await there.done;
}
