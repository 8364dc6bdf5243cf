/**
 * The way to the dataservers of a cluster: device → address from the cluster map, kept until a device
 * is unknown or cannot be reached. What is known to be down is refused at once.
 */
import type { Clock } from "../base/clock.ts";
import { hasCode, QuarryError } from "../base/errors.ts";
import type { DeviceId, ServerId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import { parseAddress } from "../rpc/address.ts";
import { RpcClient } from "../rpc/client.ts";
import type { ClusterMap, MapAnswer } from "../rpc/cluster-map.ts";
import { connect } from "../rpc/connect.ts";
import type { NameService } from "../rpc/name-service.ts";
import { blockTable } from "../rpc/tables.ts";
import type { TlsIdentity } from "../rpc/tls.ts";
import type { BlockAccess } from "./members.ts";

export interface DevicesOptions {
  readonly names: Pick<NameService, "clusterMap">;
  readonly secret: Uint8Array;
  readonly tls?: TlsIdentity;
  readonly clock: Clock;
  readonly random: Random;
  /** How to talk to a dataserver, host:port; default: over sockets. */
  readonly open?: (address: string) => DeviceLine;
}

export interface DeviceLine {
  readonly blocks: BlockAccess;
  /** The same, asked with less patience. */
  readonly reads: BlockAccess;
  close(): void;
}

interface Line extends DeviceLine {
  readonly address: string;
}

export class Devices implements AsyncDisposable {
  readonly #options: DevicesOptions;
  #epoch = 0;
  #servers = new Map<DeviceId, ServerId>();
  #down: ReadonlySet<DeviceId> = new Set();
  readonly #lines = new Map<ServerId, Line>();
  #asking: Promise<void> | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(options: DevicesOptions) {
    this.#options = options;
  }

  /**
   * Every append ends within `limits.blockCallMs`, every read within `limits.blockReadMs`, and the time
   * that a look at the map takes.
   */
  readonly serviceOf = (device: DeviceId): BlockAccess => ({
    append: (request, data) => this.#call(device, ({ blocks }) => blocks.append(request, data)),
    read: (request) => this.#call(device, ({ reads }) => reads.read(request)),
    readStripe: (request) => this.#call(device, ({ reads }) => reads.readStripe(request)),
  });

  async [Symbol.asyncDispose](): Promise<void> {
    for (const line of this.#lines.values()) line.close();
    this.#lines.clear();
  }

  async #call<T>(device: DeviceId, call: (line: Line) => Promise<T>): Promise<T> {
    const line = await this.#reach(device);
    const { address } = line;
    try {
      return await call(line);
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

  async #reach(device: DeviceId): Promise<Line> {
    if (!this.#servers.has(device)) await this.#ask();
    else if (this.#down.has(device)) await this.#askWhenDue();
    const server = this.#servers.get(device);
    const line = server && this.#lines.get(server);
    if (line === undefined)
      throw new QuarryError("NoSuchDevice", `the cluster has no device ${device}`);
    if (this.#down.has(device))
      throw new QuarryError("Unavailable", `the dataserver at ${line.address} is down`);
    return line;
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
    this.#moveLines(map);
  }

  #moveLines({ dataservers }: ClusterMap): void {
    const addresses = new Map(dataservers.map(({ server, address }) => [server, address]));
    for (const [server, line] of this.#lines)
      if (addresses.get(server) !== line.address) {
        line.close();
        this.#lines.delete(server);
      }
    const { open = (address: string) => this.#connect(address) } = this.#options;
    for (const [server, address] of addresses)
      if (!this.#lines.has(server)) this.#lines.set(server, { address, ...open(address) });
  }

  #connect(address: string): DeviceLine {
    const { secret, tls, clock, random } = this.#options;
    const rpc = new RpcClient({
      ...{ address: parseAddress(address), secret, clock, random, ...(tls && { tls }) },
      ...{ deadlineMs: limits.blockCallMs, pingMs: limits.blockPingMs },
    });
    const reads = connect(blockTable, rpc, { deadlineMs: limits.blockReadMs });
    return { blocks: connect(blockTable, rpc), reads, close: () => rpc.close() };
  }
}
