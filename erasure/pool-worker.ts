/** What a worker thread of the pool runs: products over the shared memory, one at a time. */
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../base/errors.ts";
import { bindKernel, type Product } from "./kernel/kernel.ts";

export interface WorkerSetup {
  readonly module: WebAssembly.Module;
  readonly shared: WebAssembly.Memory;
}

if (parentPort !== null) {
  const port = parentPort;
  const { module, shared } = workerData as WorkerSetup;
  assert(shared.buffer instanceof SharedArrayBuffer, "the pool's memory is shared");
  const multiply = bindKernel(module, shared);
  port.on("message", (product: Product) => {
    multiply(product);
    port.postMessage("done");
  });
}
