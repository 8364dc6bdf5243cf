/**
 * Worker threads that run the kernel on the codec's memory. A product is cut by columns, one share a
 * worker; the calling thread stays free. Products run one after the other, each on all workers.
 */
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { assert, QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { type Product, STEP_BYTES } from "./kernel/kernel.ts";
import { type CodecMemory, roundUp } from "./memory.ts";
import type { WorkerSetup } from "./pool-worker.ts";

interface Job {
  readonly product: Product;
  /** Workers that have not finished their share. */
  readonly busy: Set<Worker>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class WorkerPool implements AsyncDisposable {
  readonly memory: CodecMemory;
  readonly #workers: readonly Worker[];
  readonly #waiting: Job[] = [];
  #running: Job | undefined;
  #failure: QuarryError | undefined;
  /** Whom to tell when the running job has ended. */
  #onIdle: (() => void) | undefined;

  /** Starts `count` threads over `memory`. They do not keep the process alive. */
  constructor(memory: CodecMemory, count: number) {
    if (!Number.isInteger(count) || count < 1 || count > limits.erasureWorkers)
      throw new QuarryError(
        "InvalidArgument",
        `a pool of ${count} workers cannot be; give 1 to ${limits.erasureWorkers}`,
      );
    this.memory = memory;
    const setup: WorkerSetup = { module: memory.module, shared: memory.shared };
    this.#workers = Array.from({ length: count }, () => {
      const script = new URL(`./pool-worker${extname(import.meta.url)}`, import.meta.url);
      const worker = new Worker(script, { workerData: setup });
      worker.unref();
      worker.on("message", () => this.#shareDone(worker));
      worker.on("error", (cause) => this.#fail(worker, cause));
      return worker;
    });
  }

  /** Runs a product over the pool's memory; resolves when all of it is done. */
  multiply(product: Product): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#waiting.length >= limits.erasureJobs)
      return Promise.reject(
        new QuarryError("Busy", `${limits.erasureJobs} jobs wait for the coding workers already`),
      );
    return new Promise((resolve, reject) => {
      this.#waiting.push({ product, busy: new Set(), resolve, reject });
      this.#next();
    });
  }

  /** Stops the threads once they have finished what they run; what waits is refused. */
  async close(): Promise<void> {
    this.#failure ??= new QuarryError("Closed", "the coding workers are stopped");
    for (const job of this.#waiting.splice(0)) job.reject(this.#failure);
    if (this.#running !== undefined)
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #next(): void {
    if (this.#running !== undefined) return;
    const job = this.#waiting.shift();
    if (job === undefined) return;
    this.#running = job;
    const { from, to } = job.product;
    const shareBytes = roundUp((to - from) / this.#workers.length, 2 * STEP_BYTES);
    this.#workers.forEach((worker, i) => {
      const start = from + i * shareBytes;
      if (start >= to) return;
      job.busy.add(worker);
      worker.ref();
      worker.postMessage({
        ...job.product,
        from: start,
        to: Math.min(start + shareBytes, to),
      } satisfies Product);
    });
    assert(job.busy.size > 0, "a product has columns");
  }

  /** A worker has ended its share. A job ends with its last share, as all of them use its memory. */
  #shareDone(worker: Worker): void {
    const job = this.#running;
    assert(job?.busy.delete(worker) === true, "a worker answers a job that runs");
    if (job.busy.size > 0) return;
    this.#running = undefined;
    if (this.#failure === undefined || this.#failure.code === "Closed") job.resolve();
    else job.reject(this.#failure);
    if (this.#waiting.length === 0) for (const worker of this.#workers) worker.unref();
    this.#onIdle?.();
    this.#next();
  }

  /** A worker broke down (it ran its share, or failed to start): the pool takes no more work. */
  #fail(worker: Worker, cause: unknown): void {
    this.#failure ??= new QuarryError(
      "Unavailable",
      "a coding worker broke down; what it worked on is not done. Start the pool anew",
      { cause },
    );
    for (const job of this.#waiting.splice(0)) job.reject(this.#failure);
    if (this.#running?.busy.has(worker) === true) this.#shareDone(worker);
  }
}
