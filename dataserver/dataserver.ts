/** A dataserver: the blocks of one or more devices, in this process. */
import type { Clock } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import type { BlockId, DeviceId, NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { Codec } from "../erasure/codec.ts";
import { CodecMemory } from "../erasure/memory.ts";
import { schemeOf } from "../erasure/scheme.ts";
import type {
  AppendReply,
  AppendRequest,
  BlockAddress,
  BlockPiece,
  BlockService,
  BlockStatus,
  DeviceStatus,
  NewsMark,
  Order,
  ReadReply,
  ReadRequest,
  RetireOrder,
  SwitchOrder,
} from "../rpc/block-service.ts";
import type {
  BlockReport,
  Inventory,
  RebuildOrder,
  RebuildProgress,
  RebuildSource,
  Rebuilt,
  Records,
} from "../rpc/healing-service.ts";
import { firstBadSpan } from "../rpc/needle-checksums.ts";
import type { BlockKeeping, PoolScheme } from "../rpc/pool.ts";
import type {
  Converted,
  ConvertOrder,
  Staged,
  StageOrder,
  StripeBytes,
  StripeRequest,
} from "../rpc/stripe-service.ts";
import type { DataserverOptions } from "./dataserver-options.ts";
import { Device } from "./device.ts";
import { DiskPaces } from "./disk-paces.ts";
import { FileCache } from "./file-cache.ts";
import { letGoneGo } from "./gone-files.ts";
import { recordsAt } from "./hand-out.ts";
import { nobody, type Peer } from "./rebuild/sources.ts";
import { type ScrubOptions, type ScrubResult, scrubBlocks } from "./scrub.ts";
import { Conversions } from "./striped/conversions.ts";
import { readStripe } from "./striped/reads.ts";
import { stagedOn } from "./striped/staged.ts";
import type { StripeSource } from "./striped/stripe-sources.ts";

export type { DataserverOptions } from "./dataserver-options.ts";

/** Opens the devices. Throws `Locked` when another server has one. */
export async function openDataserver(options: DataserverOptions): Promise<Dataserver> {
  const { disk, clock, random } = options;
  const files = new FileCache(disk, options.maxOpenFiles ?? limits.openFiles);
  const devices: Device[] = [];
  try {
    for (const directory of options.directories)
      devices.push(
        await Device.open({
          disk,
          clock,
          random,
          files,
          directory,
          durability: options.durability ?? "commit",
          reserveBytes: options.reserveBytes ?? limits.deviceReserveBytes,
          blockBytes: options.blockBytes ?? limits.blockBytes,
          extendBytes: options.extendBytes ?? limits.extendBytes,
          report: options.report ?? (() => undefined),
          opener: options.opener ?? "",
        }),
      );
  } catch (error) {
    for (const device of devices) await device[Symbol.asyncDispose]();
    throw error;
  }
  return new Dataserver(clock, files, devices, options.peerOf);
}

export class Dataserver implements BlockService, AsyncDisposable {
  readonly #clock: Clock;
  readonly #files: FileCache;
  readonly #devices: ReadonlyMap<DeviceId, Device>;

  readonly #paces: DiskPaces;
  readonly #conversions = new Conversions();
  readonly #peerOf: (address: string) => Peer;
  /** Of all codecs; there is none as long as nothing is decoded. */
  #memory: CodecMemory | undefined;

  constructor(clock: Clock, files: FileCache, devices: readonly Device[], peerOf = nobody) {
    this.#clock = clock;
    this.#paces = new DiskPaces(clock);
    this.#files = files;
    this.#peerOf = peerOf;
    this.#devices = new Map(devices.map((device) => [device.id, device]));
  }

  async devices(): Promise<DeviceStatus[]> {
    return await this.#paces.statuses([...this.#devices.values()]);
  }

  async blocks(device: DeviceId, after: number, limit: number): Promise<BlockStatus[]> {
    return this.#device(device).list(after, limit);
  }

  async createBlock(address: Order, piece?: BlockPiece, keeping?: BlockKeeping): Promise<void> {
    await this.#device(address.device).create(address, piece, keeping);
  }

  async append(request: AppendRequest, data: Uint8Array): Promise<AppendReply> {
    const { block, needle, lengthBytes, checksums } = request;
    if (lengthBytes > limits.needleBytes)
      throw new QuarryError("TooLarge", `a needle has at most ${limits.needleBytes} bytes`);
    const whole = data.length === lengthBytes;
    if (!whole || firstBadSpan(block, needle, lengthBytes, data, checksums) >= 0)
      throw new QuarryError("Damaged", "the bytes that arrived do not match their checksums");
    const device = this.#device(request.device);
    return await this.#paces.timed(device.id, "append", () => device.append(request, data));
  }

  async read(request: ReadRequest): Promise<ReadReply> {
    const device = this.#device(request.device);
    return await this.#paces.timed(device.id, "read", () => device.read(request));
  }

  async remove(address: Order, needles: readonly NeedleId[]): Promise<void> {
    await this.#device(address.device).remove(address, needles);
  }

  async sealBlock(address: Order): Promise<BlockStatus> {
    return await this.#device(address.device).seal(address);
  }

  async needles(address: BlockAddress, cursor: number, limit: number) {
    return await this.#device(address.device).needles(address, cursor, limit);
  }

  async compact(address: Order): Promise<BlockStatus> {
    return await this.#device(address.device).compact(address);
  }

  async switchGeneration(address: SwitchOrder): Promise<void> {
    await this.#device(address.device).switchGeneration(address);
  }

  async retire(address: RetireOrder): Promise<void> {
    await this.#device(address.device).retire(address);
  }

  async report(device: DeviceId, after: NewsMark, limit: number): Promise<BlockReport> {
    return this.#device(device).report(after, limit);
  }

  async inventory(address: BlockAddress, after: NeedleId): Promise<Inventory> {
    return this.#device(address.device).inventory(address, after);
  }

  async fetch(address: BlockAddress, needles: readonly NeedleId[], check?: boolean) {
    return await this.#device(address.device).fetch(address, needles, check);
  }

  async records(address: BlockAddress, offset: number, lengthBytes: number): Promise<Records> {
    return await this.#device(address.device).reading(address, (block) =>
      recordsAt(block, offset, lengthBytes),
    );
  }

  async rebuild(order: RebuildOrder): Promise<Rebuilt> {
    const { block, generation, scheme } = order;
    if (order.sources.length > limits.rebuildSources)
      throw new QuarryError("TooLarge", `at most ${limits.rebuildSources} sources in one order`);
    const sources = this.#reach({ block, generation }, order.sources);
    const codec = scheme.k === 1 ? undefined : this.#codecOf(scheme);
    return await this.#device(order.device).rebuild(order, sources, codec);
  }

  async rebuilds(device: DeviceId): Promise<readonly RebuildProgress[]> {
    return this.#device(device).rebuilds.progress();
  }

  async readStripe(request: StripeRequest): Promise<StripeBytes> {
    return await this.#device(request.device).reading(request, (block) =>
      readStripe(block, request),
    );
  }

  async stage(order: StageOrder, offset: number, data: Uint8Array): Promise<void> {
    const device = this.#device(order.device);
    await device.writing(order, () => device.stagings.write(device, order, offset, data));
  }

  async finishStage(order: StageOrder, fileBytes: number): Promise<BlockStatus> {
    const device = this.#device(order.device);
    return await device.writing(order, () => device.stagings.finish(device, order, fileBytes));
  }

  async dropStage(order: Order): Promise<void> {
    const device = this.#device(order.device);
    await device.writing(order, () => device.stagings.drop(device, order));
  }

  async staged(device: DeviceId): Promise<readonly Staged[]> {
    return await stagedOn(this.#device(device));
  }

  async convert(order: ConvertOrder): Promise<Converted> {
    const { block, generation } = order;
    if (Math.max(order.sources.length, order.targets.length) > limits.rebuildSources)
      throw new QuarryError("TooLarge", `at most ${limits.rebuildSources} members of one block`);
    const device = this.#device(order.device);
    return await this.#conversions.run({
      ...{ device, order, sources: this.#reach({ block, generation }, order.sources) },
      targets: this.#reach({ block, generation: generation + 1 }, order.targets),
      codecOf: (scheme) => this.#codecOf(scheme),
    });
  }

  #reach(
    at: Pick<BlockAddress, "block" | "generation">,
    members: readonly RebuildSource[],
  ): StripeSource[] {
    return members.map(({ piece, device, address }) => ({
      ...{ piece, address: { device, ...at } },
      peer: this.#devices.has(device) ? this : this.#peerOf(address),
    }));
  }

  /** Re-reads and checks the blocks of a device, or one of them. */
  async scrub(device: DeviceId, options: ScrubOptions, only?: BlockId): Promise<ScrubResult> {
    const { parts } = this.#device(device);
    const one = only === undefined ? undefined : parts.blocks.get(only);
    const blocks = only === undefined ? this.#device(device).currentBlocks() : one ? [one] : [];
    return await scrubBlocks(blocks, this.#clock, options, parts.blocks);
  }

  /** Blocks that were not read since something could have hurt them; those that come are told, too. */
  unread(device: DeviceId): Iterable<BlockId> {
    return this.#device(device).parts.checks.unread;
  }

  /** Blocks whose last reading was before a time, the longest ago first. */
  longestUnread(device: DeviceId, beforeMs: number): BlockId[] {
    const { blocks, checks } = this.#device(device).parts;
    return checks.longestUnread(blocks, beforeMs, this.#clock.nowMs());
  }

  /** Lets go of blocks whose files went behind its back; how many there were. */
  async letGoneGo(device: DeviceId): Promise<number> {
    return await letGoneGo(this.#device(device));
  }

  /** A block whose reading fails waits until its next turn. */
  passOver(device: DeviceId, block: BlockId): void {
    const { blocks, checks } = this.#device(device).parts;
    const generation = blocks.get(block)?.generation;
    if (generation === undefined) checks.forget(block);
    else checks.passOver(block, generation, this.#clock.nowMs());
  }

  /** Makes everything durable, leaves checkpoints, gives the directories free. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#conversions.end();
    const devices = [...this.#devices.values()];
    const ends = await Promise.allSettled(devices.map((device) => device[Symbol.asyncDispose]()));
    await this.#files[Symbol.asyncDispose]();
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  #codecOf({ k, m }: PoolScheme): Codec {
    this.#memory ??= new CodecMemory();
    return new Codec(schemeOf(k, m), this.#memory);
  }

  #device(id: DeviceId): Device {
    const device = this.#devices.get(id);
    if (device === undefined) throw new QuarryError("NoSuchDevice", `no device ${id} here`);
    return device;
  }
}
