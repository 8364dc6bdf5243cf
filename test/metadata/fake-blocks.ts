/** Devices in memory: blocks with needles, as far as the nameserver looks at them. */
import { QuarryError } from "../../base/errors.ts";
import type { BlobId, BlockId, DeviceId, NeedleId } from "../../base/ids.ts";
import type {
  BlockAddress,
  BlockService,
  BlockStatus,
  NeedleEntry,
} from "../../rpc/block-service.ts";

interface FakeBlock {
  generation: number;
  sealed: boolean;
  fileBytes: number;
  needles: Map<NeedleId, NeedleEntry>;
  built?: Map<NeedleId, NeedleEntry>;
}

export class FakeBlocks implements BlockService {
  readonly held = new Map<DeviceId, Map<BlockId, FakeBlock>>();
  /** Removals fail while set. */
  refuseRemovals = false;
  readonly calls: string[] = [];

  constructor(...devices: string[]) {
    for (const device of devices) this.held.set(device as DeviceId, new Map());
  }

  block(device: DeviceId, block: BlockId): FakeBlock {
    const found = this.held.get(device)?.get(block);
    if (found === undefined) throw new QuarryError("NoSuchBlock", `no block ${block}`);
    return found;
  }

  #at({ device, block, generation }: BlockAddress): FakeBlock {
    const found = this.block(device, block);
    if (found.generation !== generation)
      throw new QuarryError("StaleGeneration", `generation ${found.generation}`);
    return found;
  }

  store(device: DeviceId, block: BlockId, needle: NeedleId, blob: BlobId, chunk: number): void {
    const found = this.block(device, block);
    found.needles.set(needle, { needle, blob, chunk, lengthBytes: 100 });
    found.fileBytes += 100;
  }

  #status(block: BlockId, { generation, sealed, needles, fileBytes }: FakeBlock): BlockStatus {
    const liveBytes = needles.size * 100;
    const digest = [...needles.keys()].reduce((all, needle) => all ^ needle, 0n);
    const counted = { needles: needles.size, liveBytes, fileBytes, digest, damage: [] };
    return { block, generation, sealed, ...counted };
  }

  devices() {
    return Promise.resolve(
      [...this.held.keys()].map((device) => ({
        device,
        path: `/${device}`,
        totalBytes: 1e9,
        freeBytes: 1e9,
        state: "ok" as const,
      })),
    );
  }
  async blocks(device: DeviceId, after: number, limit: number) {
    const all = [...(this.held.get(device) ?? [])].sort(([a], [b]) => a - b);
    return all
      .filter(([block]) => block > after)
      .slice(0, limit)
      .map(([block, held]) => this.#status(block, held));
  }
  async createBlock({ device, block, generation }: BlockAddress) {
    this.calls.push(`create ${block}`);
    this.held
      .get(device)
      ?.set(block, { generation, sealed: false, fileBytes: 0, needles: new Map() });
  }
  async sealBlock(address: BlockAddress) {
    this.calls.push(`seal ${address.block}`);
    const found = this.#at(address);
    found.sealed = true;
    return this.#status(address.block, found);
  }
  async remove(address: BlockAddress, needles: readonly NeedleId[]) {
    if (this.refuseRemovals) throw new QuarryError("Unavailable", "the member is away");
    const found = this.#at(address);
    for (const needle of needles) found.needles.delete(needle);
  }
  async needles(address: BlockAddress, cursor: number, limit: number) {
    const all = [...this.#at(address).needles.values()];
    const entries = all.slice(cursor, cursor + limit);
    const next = cursor + limit;
    return next < all.length ? { entries, next } : { entries };
  }
  async compact(address: BlockAddress) {
    this.calls.push(`compact ${address.block}`);
    const found = this.#at(address);
    found.built = new Map(found.needles);
    return this.#status(address.block, { ...found, fileBytes: found.needles.size * 100 });
  }
  async switchGeneration({ device, block, generation }: BlockAddress) {
    this.calls.push(`switch ${block}`);
    const found = this.block(device, block);
    if (found.generation === generation) return;
    if (found.built === undefined) throw new QuarryError("NoSuchBlock", "not built");
    found.needles = found.built;
    found.fileBytes = found.needles.size * 100;
    found.generation = generation;
    delete found.built;
  }
  async retire(address: BlockAddress) {
    this.calls.push(`retire ${address.block}`);
    if (this.#at(address).needles.size > 0) throw new QuarryError("InvalidArgument", "not empty");
    this.held.get(address.device)?.delete(address.block);
  }
  append(): never {
    throw new QuarryError("NotImplemented", "the nameserver appends nothing");
  }
  report(): never {
    throw new QuarryError("NotImplemented", "a fake reports nothing");
  }
  inventory(): never {
    throw new QuarryError("NotImplemented", "a fake hands out nothing");
  }
  records(): never {
    throw new QuarryError("NotImplemented", "a fake hands out nothing");
  }
  fetch(): never {
    throw new QuarryError("NotImplemented", "a fake hands out nothing");
  }
  rebuild(): never {
    throw new QuarryError("NotImplemented", "a fake rebuilds nothing");
  }
  rebuilds(): never {
    throw new QuarryError("NotImplemented", "a fake rebuilds nothing");
  }
  readStripe(): never {
    throw new QuarryError("NotImplemented", "a fake has no stripes");
  }
  stage(): never {
    throw new QuarryError("NotImplemented", "a fake has no stripes");
  }
  finishStage(): never {
    throw new QuarryError("NotImplemented", "a fake has no stripes");
  }
  dropStage(): never {
    throw new QuarryError("NotImplemented", "a fake has no stripes");
  }
  async staged() {
    return [];
  }
  convert(): never {
    throw new QuarryError("NotImplemented", "a fake has no stripes");
  }
  read(): never {
    throw new QuarryError("NotImplemented", "the nameserver reads nothing");
  }
}
