/**
 * The dataservers of the cluster as one service of blocks: each order goes to the one that has the
 * device, as the map says.
 */
import { QuarryError } from "../base/errors.ts";
import type { DeviceId, NeedleId, ServerId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type {
  AppendRequest,
  BlockAddress,
  BlockPiece,
  BlockService,
  DeviceStatus,
  NewsMark,
  Order,
  ReadRequest,
  RetireOrder,
  SwitchOrder,
} from "../rpc/block-service.ts";
import type { RebuildOrder } from "../rpc/healing-service.ts";
import { type Line, Lines, type LineTrust, openBlockLine } from "../rpc/lines.ts";
import type { BlockKeeping } from "../rpc/pool.ts";
import type { ConvertOrder, StageOrder, StripeRequest } from "../rpc/stripe-service.ts";
import type { Liveness } from "./liveness.ts";
import type { CurrentMap } from "./queries/cluster-map.ts";

export interface DataserversOptions extends LineTrust {
  readonly map: CurrentMap;
  readonly liveness: Liveness;
  /** How to talk to one of them, host:port; default: over sockets. */
  readonly open?: (address: string) => BlockLine;
}

export interface BlockLine extends Line {
  /** For what takes no longer than a few syncs. */
  readonly quick: BlockService;
  readonly patient: BlockService;
}

const PATIENCE = { quick: limits.blockOrderMs, patient: limits.blockWorkMs };

export class Dataservers implements BlockService, AsyncDisposable {
  readonly #options: DataserversOptions;
  readonly #lines: Lines<ServerId, BlockLine>;

  constructor(options: DataserversOptions) {
    this.#options = options;
    const { open = (address: string) => openBlockLine(options, address, PATIENCE) } = options;
    this.#lines = new Lines({ open });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lines[Symbol.dispose]();
  }

  /** What heartbeats said; nobody is asked. */
  devices(): Promise<DeviceStatus[]> {
    return this.#options.liveness.devices();
  }

  async blocks(device: DeviceId, after: number, limit: number) {
    return await (await this.#line(device)).quick.blocks(device, after, limit);
  }

  async createBlock(address: Order, piece?: BlockPiece, keeping?: BlockKeeping) {
    await (await this.#line(address.device)).quick.createBlock(address, piece, keeping);
  }

  async append(request: AppendRequest, data: Uint8Array) {
    return await (await this.#line(request.device)).quick.append(request, data);
  }

  async read(request: ReadRequest) {
    return await (await this.#line(request.device)).quick.read(request);
  }

  async remove(address: Order, needles: readonly NeedleId[]) {
    await (await this.#line(address.device)).quick.remove(address, needles);
  }

  async sealBlock(address: Order) {
    return await (await this.#line(address.device)).quick.sealBlock(address);
  }

  async needles(address: BlockAddress, cursor: number, limit: number) {
    return await (await this.#line(address.device)).quick.needles(address, cursor, limit);
  }

  async compact(address: Order) {
    return await (await this.#line(address.device)).patient.compact(address);
  }

  async switchGeneration(address: SwitchOrder) {
    await (await this.#line(address.device)).quick.switchGeneration(address);
  }

  async retire(address: RetireOrder) {
    await (await this.#line(address.device)).quick.retire(address);
  }

  async report(device: DeviceId, after: NewsMark, limit: number) {
    return await (await this.#line(device)).quick.report(device, after, limit);
  }

  async inventory(address: BlockAddress, after: NeedleId) {
    return await (await this.#line(address.device)).quick.inventory(address, after);
  }

  async fetch(address: BlockAddress, needles: readonly NeedleId[], check?: boolean) {
    return await (await this.#line(address.device)).patient.fetch(address, needles, check);
  }

  async records(address: BlockAddress, offset: number, lengthBytes: number) {
    return await (await this.#line(address.device)).patient.records(address, offset, lengthBytes);
  }

  async rebuild(order: RebuildOrder) {
    return await (await this.#line(order.device)).patient.rebuild(order);
  }

  async rebuilds(device: DeviceId) {
    return await (await this.#line(device)).quick.rebuilds(device);
  }

  async readStripe(request: StripeRequest) {
    return await (await this.#line(request.device)).patient.readStripe(request);
  }

  async stage(order: StageOrder, offset: number, data: Uint8Array) {
    await (await this.#line(order.device)).patient.stage(order, offset, data);
  }

  async finishStage(order: StageOrder, fileBytes: number) {
    return await (await this.#line(order.device)).patient.finishStage(order, fileBytes);
  }

  async dropStage(order: Order) {
    await (await this.#line(order.device)).quick.dropStage(order);
  }

  async staged(device: DeviceId) {
    return await (await this.#line(device)).quick.staged(device);
  }

  async convert(order: ConvertOrder) {
    return await (await this.#line(order.device)).patient.convert(order);
  }

  /** @throws QuarryError `NoSuchDevice`, and `Unavailable` at once for a device that is down. */
  async #line(id: DeviceId): Promise<BlockLine> {
    const { map, liveness } = this.#options;
    const device = await map.device(id);
    const server = device && (await map.dataserver(device.server));
    if (device === undefined || server === undefined)
      throw new QuarryError("NoSuchDevice", `the cluster has no device ${id}`);
    if (liveness.statusOf(device).state === "down")
      throw new QuarryError("Unavailable", `the dataserver at ${server.address} is down`);
    return this.#lines.to(server.server, server.address);
  }
}
