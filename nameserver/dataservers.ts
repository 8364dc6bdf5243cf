/**
 * The dataservers of the cluster as one service of blocks: each order goes to the one that has the
 * device, as the map says.
 */
import type { Clock } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import type { DeviceId, NeedleId, ServerId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import { parseAddress } from "../rpc/address.ts";
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
import { RpcClient } from "../rpc/client.ts";
import { connect } from "../rpc/connect.ts";
import type { RebuildOrder } from "../rpc/healing-service.ts";
import type { BlockKeeping } from "../rpc/pool.ts";
import type { ConvertOrder, StageOrder, StripeRequest } from "../rpc/stripe-service.ts";
import { blockTable } from "../rpc/tables.ts";
import type { TlsIdentity } from "../rpc/tls.ts";
import type { Liveness } from "./liveness.ts";
import type { CurrentMap } from "./queries/cluster-map.ts";

export interface DataserversOptions {
  readonly map: CurrentMap;
  readonly liveness: Liveness;
  readonly secret: Uint8Array;
  readonly tls?: TlsIdentity;
  readonly clock: Clock;
  readonly random: Random;
  /** How to talk to one of them, host:port; default: over sockets. */
  readonly open?: (address: string) => BlockLine;
}

export interface BlockLine {
  /** For what takes no longer than a few syncs. */
  readonly quick: BlockService;
  readonly patient: BlockService;
  close(): void;
}

interface Line extends BlockLine {
  readonly address: string;
}

export class Dataservers implements BlockService, AsyncDisposable {
  readonly #options: DataserversOptions;
  readonly #lines = new Map<ServerId, Line>();
  #closed = false;

  constructor(options: DataserversOptions) {
    this.#options = options;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const line of this.#lines.values()) line.close();
    this.#lines.clear();
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

  async convert(order: ConvertOrder) {
    return await (await this.#line(order.device)).patient.convert(order);
  }

  /** @throws QuarryError `NoSuchDevice`, and `Unavailable` at once for a device that is down. */
  async #line(id: DeviceId): Promise<Line> {
    const { map, liveness } = this.#options;
    const device = await map.device(id);
    const server = device && (await map.dataserver(device.server));
    if (device === undefined || server === undefined)
      throw new QuarryError("NoSuchDevice", `the cluster has no device ${id}`);
    if (this.#closed) throw new QuarryError("Closed", "this nameserver ends");
    if (liveness.statusOf(device).state === "down")
      throw new QuarryError("Unavailable", `the dataserver at ${server.address} is down`);
    const known = this.#lines.get(server.server);
    if (known?.address === server.address) return known;
    known?.close();
    const { open = (address: string) => this.#connect(address) } = this.#options;
    const line = { address: server.address, ...open(server.address) };
    this.#lines.set(server.server, line);
    return line;
  }

  #connect(address: string): BlockLine {
    const { secret, tls, clock, random } = this.#options;
    const rpc = new RpcClient({
      ...{ address: parseAddress(address), secret, clock, random },
      ...{ ...(tls && { tls }), pingMs: limits.blockPingMs },
    });
    return {
      quick: connect(blockTable, rpc, { deadlineMs: limits.blockOrderMs }),
      patient: connect(blockTable, rpc, { deadlineMs: limits.blockWorkMs }),
      close: () => rpc.close(),
    };
  }
}
