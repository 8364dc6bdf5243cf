/**
 * A store for tests of streams, in memory or in a folder: what deleted and given-up content has stored goes
 * at once, and what is stored can be looked at, and harmed, below the client.
 */
import { setTimeout as pause } from "node:timers/promises";
import { crc32c } from "../../base/checksum.ts";
import { systemClock } from "../../base/clock.ts";
import { nodeDisk } from "../../base/disk-node.ts";
import { SimulatedDisk } from "../../base/disk-simulated.ts";
import { assert, hasCode } from "../../base/errors.ts";
import type { BlobId, BlockId, DeviceId, NeedleId } from "../../base/ids.ts";
import { systemRandom } from "../../base/random.ts";
import { createClient } from "../../client/client.ts";
import type { Store } from "../../client/store.ts";
import { type Dataserver, openDataserver } from "../../dataserver/dataserver.ts";
import { openNameserver } from "../../nameserver/nameserver.ts";
import { MemoryState } from "../../nameserver/state-memory.ts";
import type { NeedleEntry } from "../../rpc/block-service.ts";
import { needleChecksums } from "../../rpc/needle-checksums.ts";
import type { Chunk } from "../../rpc/objects.ts";

/** How long a sealed block waits for chunks that get a name. */
const SETTLE_MS = 400;
const LOOK_MS = 5;

export class StreamStore implements AsyncDisposable {
  readonly store: Store;
  readonly #dataserver: Dataserver;

  private constructor(store: Store, dataserver: Dataserver) {
    this.store = store;
    this.#dataserver = dataserver;
  }

  /** `pendingMs`: how long a chunk may wait for a name. Without a folder it is in memory. */
  static async open(pendingMs: number, folder?: string): Promise<StreamStore> {
    const shared = {
      ...{ disk: folder === undefined ? new SimulatedDisk() : nodeDisk },
      ...{ clock: systemClock, random: systemRandom },
      durability: "commit",
      report: () => undefined,
    } as const;
    const directories = [`${folder ?? ""}/device`];
    const dataserver = await openDataserver({ ...shared, directories });
    const nameserver = await openNameserver({
      ...shared,
      ...{ directory: `${folder ?? ""}/nameserver`, blocks: dataserver },
      ...(folder === undefined && { openState: async () => new MemoryState() }),
      ...{ holdMs: 0, pendingMs, settleMs: SETTLE_MS, workersPauseMs: LOOK_MS },
    });
    const store = createClient({
      names: nameserver,
      serviceOf: () => dataserver,
      ...{ clock: systemClock, random: systemRandom },
      onClose: async () => {
        await nameserver[Symbol.asyncDispose]();
        await dataserver[Symbol.asyncDispose]();
      },
    });
    return new StreamStore(store, dataserver);
  }

  async chunksOf(bucket: string, key: string): Promise<readonly Chunk[]> {
    const { pin, object } = await this.store.names.lookup({ bucket, key });
    if (object.lengthBytes === 0) return [];
    return (await this.store.names.chunks(pin, 0)).chunks;
  }

  /** The chunks of a file as they are stored, in hex. */
  async contentOf(bucket: string, key: string): Promise<string[]> {
    const found: string[] = [];
    for (const { block, needle, lengthBytes } of await this.chunksOf(bucket, key)) {
      const { device } = await this.#at(block);
      const at = { device, block, needle };
      const read = await this.#dataserver.read({ ...at, offset: 0, lengthBytes });
      assert(read.kind === "data", `needle ${needle} is ${read.kind}`);
      found.push(Buffer.from(read.data).toString("hex"));
    }
    return found;
  }

  /** All needles that are stored, whoever names them. */
  async needles(): Promise<NeedleId[]> {
    const found: NeedleId[] = [];
    for (const { device } of await this.#dataserver.devices())
      for (const { block, generation } of await this.#dataserver.blocks(device, 0, 1000)) {
        const at = { device, block, generation };
        const page = await this.#dataserver.needles(at, 0, 1000).catch(ifGone);
        found.push(...page.entries.map(({ needle }) => needle));
      }
    return found.sort();
  }

  /** Ends when these needles are all that is stored. */
  async untilOnly(wanted: readonly NeedleId[]): Promise<void> {
    const sorted = [...wanted].sort().join();
    while ((await this.needles()).join() !== sorted) await pause(LOOK_MS);
  }

  /** No open block takes any more, so that what nobody names in them is looked for. */
  async seal(): Promise<void> {
    for (const { device } of await this.#dataserver.devices())
      for (const { block, generation, sealed } of await this.#dataserver.blocks(device, 0, 1000))
        if (!sealed) await this.store.names.reportBlock(block, generation, "full");
  }

  async removeNeedle({ block, needle }: Chunk): Promise<void> {
    const { device, generation } = await this.#at(block);
    await this.#dataserver.remove({ device, block, generation }, [needle]);
  }

  /** Stores needles of a blob that nothing names yet. */
  async append(pieces: readonly Buffer[]): Promise<{ blob: BlobId; chunks: Chunk[] }> {
    const blob = await this.store.names.leaseBlobs(1);
    const [open] = await this.store.names.openBlocks(0);
    assert(open !== undefined, "there is an open block");
    const { block, generation } = open;
    const { device } = await this.#at(block);
    const chunks: Chunk[] = [];
    for (const [chunk, data] of pieces.entries()) {
      const needle = systemRandom.needleId();
      const owner = { blob, chunk };
      const checksums = needleChecksums(block, needle, data);
      const at = { device, block, generation, needle, owner, lengthBytes: data.length };
      const reply = await this.#dataserver.append({ ...at, checksums }, data);
      assert(reply.kind === "stored", `the needle is ${reply.kind}`);
      chunks.push({ block, needle, lengthBytes: data.length, crc32c: crc32c(data) });
    }
    return { blob, chunks };
  }

  async #at(block: BlockId): Promise<{ device: DeviceId; generation: number }> {
    const { members, generation } = await this.store.names.locate(block);
    const [device] = members;
    assert(device !== undefined && device !== null, "the block has a member");
    return { device, generation };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
  }
}

/** A block may be emptied and removed, or written anew, while others are listed. */
function ifGone(error: unknown): { readonly entries: NeedleEntry[] } {
  if (hasCode(error, "NoSuchBlock", "StaleGeneration")) return { entries: [] };
  throw error;
}
