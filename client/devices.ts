/**
 * The way to the dataservers of a cluster: device → address from the cluster map, kept until a device
 * is unknown or cannot be reached. What is known to be down is refused at once.
 */
import { hasCode, QuarryError } from "../base/errors.ts";
import type { DeviceId, ServerId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { MapAnswer } from "../rpc/cluster-map.ts";
import { type Line, Lines, type LineTrust, openBlockLine } from "../rpc/lines.ts";
import type { NameService } from "../rpc/name-service.ts";
import type { BlockAccess } from "./members.ts";

export interface DevicesOptions extends LineTrust {
  readonly names: Pick<NameService, "clusterMap">;
  /** How to talk to a dataserver, host:port; default: over sockets. */
  readonly open?: (address: string) => DeviceLine;
}

export interface DeviceLine extends Line {
  readonly blocks: BlockAccess;
  /** The same, asked with less patience. */
  readonly reads: BlockAccess;
}

const PATIENCE = { blocks: limits.blockCallMs, reads: limits.blockReadMs };

export class Devices implements AsyncDisposable {
  readonly #options: DevicesOptions;
  #epoch = 0;
  #servers = new Map<DeviceId, ServerId>();
  #addresses: ReadonlyMap<ServerId, string> = new Map();
  #down: ReadonlySet<DeviceId> = new Set();
  readonly #lines: Lines<ServerId, DeviceLine>;
  #asking: Promise<void> | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(options: DevicesOptions) {
    this.#options = options;
    const { open = (address: string) => openBlockLine(options, address, PATIENCE) } = options;
    this.#lines = new Lines({ open });
  }

  /**
   * Every append ends within `limits.blockCallMs`, every read within `limits.blockReadMs`, and the time
   * that a look at the map takes.
   */
  readonly serviceOf = (device: DeviceId): BlockAccess => ({
    append: (request, data) => this.#call(device, ({ blocks }) => blocks.append(request, data)),
    read: (request) => this.#call(device, ({ reads }) => reads.read(request)),
    remove: (order, needles) => this.#call(device, ({ blocks }) => blocks.remove(order, needles)),
    readStripe: (request) => this.#call(device, ({ reads }) => reads.readStripe(request)),
  });

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lines[Symbol.dispose]();
  }

  async #call<T>(device: DeviceId, call: (line: DeviceLine) => Promise<T>): Promise<T> {
    const { server, address } = await this.#reach(device);
    try {
      return await call(this.#lines.to(server, address));
    } catch (error) {
      if (!hasCode(error, "Unavailable", "Timeout", "Closed", "NoSuchDevice")) throw error;
      // It may be elsewhere by now: who tries again finds it there.
      await this.#askWhenDue();
      if (hasCode(error, "NoSuchDevice")) throw error;
      throw new QuarryError("Unavailable", `the dataserver at ${address} is away`, {
        cause: error,
      });
    }
  }

  async #reach(device: DeviceId): Promise<{ server: ServerId; address: string }> {
    if (!this.#servers.has(device)) await this.#ask();
    else if (this.#down.has(device)) await this.#askWhenDue();
    const server = this.#servers.get(device);
    const address = server && this.#addresses.get(server);
    if (server === undefined || address === undefined)
      throw new QuarryError("NoSuchDevice", `the cluster has no device ${device}`);
    if (this.#down.has(device))
      throw new QuarryError("Unavailable", `the dataserver at ${address} is down`);
    return { server, address };
  }

  async #askWhenDue(): Promise<void> {
    if (this.#options.clock.monotonicMs() - this.#askedMs >= limits.mapAskMs) await this.#ask();
  }

  /** All who want to know at the same time are told by one answer. */
  #ask(): Promise<void> {
    this.#asking ??= this.#options.names
      .clusterMap(this.#epoch)
      .then((answer) => this.#heard(answer))
      .finally(() => {
        this.#asking = undefined;
      });
    return this.#asking;
  }

  #heard({ epoch, map, down }: MapAnswer): void {
    this.#askedMs = this.#options.clock.monotonicMs();
    this.#down = new Set(down);
    if (map === undefined) return;
    this.#epoch = epoch;
    this.#servers = new Map(map.devices.map(({ device, server }) => [device, server]));
    this.#addresses = new Map(map.dataservers.map(({ server, address }) => [server, address]));
    this.#lines.retain(this.#addresses);
  }
}
