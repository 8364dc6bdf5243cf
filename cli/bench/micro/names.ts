/** Metadata alone, for the benchmarks that need some: one device that takes everything, names of one chunk. */
import { systemClock } from "../../../base/clock.ts";
import { nodeDisk } from "../../../base/disk-node.ts";
import { assert } from "../../../base/errors.ts";
import type { BlobId, DeviceId } from "../../../base/ids.ts";
import { limits } from "../../../base/limits.ts";
import { systemRandom } from "../../../base/random.ts";
import { type Nameserver, openNameserver } from "../../../nameserver/nameserver.ts";
import type { BlockService } from "../../../rpc/block-service.ts";
import { keyUnder, putCommand } from "./put-command.ts";

const device = "bench" as DeviceId;
const blocks = {
  devices: async () => [{ device, path: "/", totalBytes: 1, freeBytes: 1, state: "ok" as const }],
  blocks: async () => [],
  createBlock: async () => undefined,
  staged: async () => [],
} as unknown as BlockService;

export const BUCKET = "bench";
export const keyOf = (n: number) => keyUnder("data", n);

export interface Names extends AsyncDisposable {
  readonly names: Nameserver;
  /** Puts a name that was not there, {@link keyOf} 0, 1, … */
  put(): Promise<void>;
}

export async function openNames(directory: string): Promise<Names> {
  const names = await openNameserver({
    ...{ disk: nodeDisk, clock: systemClock, random: systemRandom, directory, blocks },
    ...{ durability: "commit", report: (message) => console.error(message) },
  });
  const [open] = await names.openBlocks(0);
  assert(open !== undefined, "there is an open block");
  const { block } = open;
  await names.execute({ type: "createBucket", bucket: BUCKET, owner: "bench" });
  let blob = 0;
  let leased: Promise<void> = Promise.resolve();
  const lease = async () => {
    await names.leaseBlobs(limits.blobLease);
  };
  return {
    names,
    async put() {
      const n = blob++;
      if (n % limits.blobLease === 0) leased = leased.then(lease);
      await leased;
      await names.execute(putCommand(BUCKET, keyOf(n), (n + 1) as BlobId, block));
    },
    [Symbol.asyncDispose]: () => names[Symbol.asyncDispose](),
  };
}
