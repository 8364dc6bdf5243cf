/** A nameserver and dataservers in this process, each a host of its own, that can go and come back. */
import "./short-healing.ts";
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../base/clock.ts";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import { QuarryError } from "../base/errors.ts";
import type { BlockId, DeviceId, ServerId } from "../base/ids.ts";
import { type Random, seededRandom } from "../base/random.ts";
import { createClient } from "../client/client.ts";
import type { Store } from "../client/store.ts";
import { type Dataserver, openDataserver } from "../dataserver/dataserver.ts";
import { type Nameserver, openNameserver } from "../nameserver/nameserver.ts";
import { MemoryState } from "../nameserver/state-memory.ts";
import type { BlockService, DeviceStatus } from "../rpc/block-service.ts";
import type { HealingProgress } from "../rpc/healing.ts";
import type { OpenBlock } from "../rpc/name-service.ts";

const PAUSE_MS = 20;
const PATIENCE_MS = 20_000;
const TEBIBYTE = 2 ** 40;

interface Host {
  readonly disk: SimulatedDisk;
  server: Dataserver | undefined;
  status: DeviceStatus;
  readonly uuid: ServerId;
}

export interface Call {
  readonly name: string;
  readonly device: DeviceId;
  readonly given: readonly unknown[];
}

export interface HealingClusterOptions {
  readonly hosts: number;
  readonly scheme: { readonly k: number; readonly m: number };
  readonly seed?: number;
  /** Hosts stand in them by turns. */
  readonly racks?: number;
  readonly blockBytes?: number;
  /** Default: 50 ms. */
  readonly settleMs?: number;
  /** How long what is deleted is held. */
  readonly holdMs?: number;
}

export class HealingCluster implements AsyncDisposable {
  readonly hosts: Host[] = [];
  readonly told: string[] = [];
  /** Called before each order goes to a device; may wait, or throw. */
  onOrder: (name: string, device: DeviceId, given: readonly unknown[]) => unknown = () => undefined;
  /** Stands between who asks and each device: may do something after, too. */
  around: (call: Call, go: () => Promise<unknown>) => Promise<unknown> = (_, go) => go();
  readonly blocks: BlockService;
  readonly #random: Random;
  readonly #options: HealingClusterOptions;
  #starts = 0;
  #names: Nameserver | undefined;
  #store: Store | undefined;

  private constructor(options: HealingClusterOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed ?? 1);
    this.blocks = this.#router();
  }

  static async open(options: HealingClusterOptions): Promise<HealingCluster> {
    const cluster = new HealingCluster(options);
    cluster.#names = await openNameserver({
      ...{ disk: new SimulatedDisk(), clock: systemClock, random: seededRandom(99) },
      ...{ directory: "/nameserver", durability: "commit", blocks: cluster.blocks },
      openState: async () => new MemoryState(),
      ...{ settleMs: options.settleMs ?? 50, holdMs: options.holdMs ?? 0 },
      workersPauseMs: 10,
      report: (message) => void cluster.told.push(message),
    });
    cluster.#store = createClient({
      ...{ names: cluster.names, serviceOf: () => cluster.blocks },
      ...{ clock: systemClock, random: seededRandom(98) },
    });
    for (let i = 0; i < options.hosts; i++) await cluster.add();
    const { names } = cluster;
    const { scheme } = options;
    await names.execute({ type: "createBucket", bucket: "b", owner: "me" });
    if (scheme.k === 1) {
      const change = { scheme, failureDomain: "host" } as const;
      await names.execute({ type: "changePool", pool: 0, change });
      return cluster;
    }
    const settings = { scheme, failureDomain: "host" } as const;
    const made = await names.execute({ type: "createPool", name: "pieces", settings });
    if (made.type !== "pool") throw new Error("a pool is answered with its number");
    const pools = { small: 0, large: made.pool, thresholdBytes: 1 };
    await names.execute({ type: "setStorageClass", storageClass: { name: "STANDARD", ...pools } });
    return cluster;
  }

  get names(): Nameserver {
    if (this.#names === undefined) throw new Error("there is no nameserver");
    return this.#names;
  }

  get store(): Store {
    if (this.#store === undefined) throw new Error("there is no client");
    return this.#store;
  }

  /** One more host, with one device. */
  async add(): Promise<number> {
    const at = this.hosts.length;
    const { racks } = this.#options;
    const uuid = `00000001-0000-4000-8000-${String(at).padStart(12, "0")}` as ServerId;
    const disk = new SimulatedDisk();
    const server = await this.#open(disk, at);
    const [status] = await server.devices();
    if (status === undefined) throw new Error("a dataserver has a device");
    this.hosts.push({ disk, server, status, uuid });
    await this.names.execute({
      ...{ type: "registerDataserver", server: uuid, address: `host:${7000 + at}`, version: "1" },
      location: { ...(racks !== undefined && { rack: `rack${at % racks}` }), host: `host${at}` },
      devices: [{ device: status.device, capacityBytes: TEBIBYTE }],
    });
    return at;
  }

  device(at: number): DeviceId {
    return this.host(at).status.device;
  }

  host(at: number): Host {
    const host = this.hosts[at];
    if (host === undefined) throw new Error(`there is no host ${at}`);
    return host;
  }

  at(device: DeviceId | null | undefined): number {
    return this.hosts.findIndex(({ status }) => status.device === device);
  }

  /** The process is gone; its disk stays. */
  async kill(at: number): Promise<void> {
    const { server } = this.host(at);
    this.host(at).server = undefined;
    await server?.[Symbol.asyncDispose]();
  }

  async start(at: number): Promise<void> {
    const host = this.host(at);
    // Each start is another one, with another era of its news.
    host.server = await this.#open(host.disk, 100 * ++this.#starts + at);
  }

  async put(key: string, content: Buffer): Promise<void> {
    async function* views() {
      for (let from = 0; from < content.length; from += 100_000)
        yield content.subarray(from, from + 100_000);
    }
    const etag = createHash("md5").update(content).digest("hex");
    const body = { bytes: views(), lengthBytes: content.length };
    await this.store.put({ bucket: "b", key }, body, () => ({ etag }));
  }

  async get(key: string): Promise<Buffer> {
    const opened = await this.store.open({ bucket: "b", key, offset: 0 });
    const parts: Buffer[] = [];
    for await (const view of opened.read(0, opened.object.lengthBytes))
      parts.push(Buffer.from(view));
    return Buffer.concat(parts);
  }

  /** The blocks that an object is in. */
  async blocksOf(key: string): Promise<OpenBlock[]> {
    const { run } = await this.names.lookup({ bucket: "b", key, offset: 0 });
    const ids = [...new Set((run?.chunks ?? []).map(({ block }) => block as BlockId))];
    return await Promise.all(ids.map((block) => this.names.locate(block)));
  }

  /** Seals what is open, so that it can be moved. */
  async seal(key: string): Promise<void> {
    for (const { block, generation } of await this.blocksOf(key))
      await this.names.reportBlock(block, generation, "full");
  }

  /** Which blocks a device holds; undefined while it is down. */
  async held(at: number): Promise<BlockId[] | undefined> {
    const { server } = this.host(at);
    return (await server?.blocks(this.device(at), 0, 1000))?.map(({ block }) => block);
  }

  healing(): Promise<HealingProgress> {
    return this.names.healing();
  }

  /** Nothing is to be done, and nothing is done. */
  async whole(): Promise<void> {
    await this.until(async () => {
      const { isKnown, work, stuckCount } = await this.healing();
      const busy = Object.values(work).some(({ waiting, running }) => waiting + running > 0);
      return isKnown && !busy && stuckCount === 0;
    }, "healing does not end");
    // What devices have to tell of it was told.
    await sleep(4 * PAUSE_MS);
    const { work } = await this.healing();
    if (Object.values(work).some(({ waiting, running }) => waiting + running > 0))
      await this.whole();
  }

  /** Whatever was begun has ended, though something may be stuck, or a host away. */
  async settled(): Promise<void> {
    await this.until(async () => {
      const { isKnown, work } = await this.healing();
      const busy = Object.values(work).some(({ waiting, running }) => waiting + running > 0);
      return isKnown && !busy;
    }, "healing does not end");
  }

  async until(holds: () => Promise<boolean>, what: string): Promise<void> {
    const untilMs = performance.now() + PATIENCE_MS;
    while (!(await holds())) {
      if (performance.now() > untilMs)
        throw new Error(
          `${what}: ${JSON.stringify(await this.healing())}\n${this.told.join("\n")}`,
        );
      await sleep(PAUSE_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#names?.[Symbol.asyncDispose]();
    for (const { server } of this.hosts) await server?.[Symbol.asyncDispose]();
  }

  #open(disk: SimulatedDisk, seed: number): Promise<Dataserver> {
    const { blockBytes } = this.#options;
    return openDataserver({
      ...{ disk, clock: systemClock, random: seededRandom(seed + 1000), directories: ["/disk"] },
      ...{ reserveBytes: 0, extendBytes: 4096, ...(blockBytes !== undefined && { blockBytes }) },
      peerOf: (address) => this.#peer(Number(address.split(":")[1]) - 7000),
    });
  }

  /** Whoever is there under this address when it is asked. */
  #peer(at: number): Dataserver {
    return new Proxy({} as Dataserver, {
      get:
        (_, name) =>
        async (...given: unknown[]) => {
          const server = this.#server(at);
          const method = Reflect.get(server, name) as (...given: unknown[]) => Promise<unknown>;
          return await method.apply(server, given);
        },
    });
  }

  #server(at: number): Dataserver {
    const server = this.hosts[at]?.server;
    if (server === undefined) throw new QuarryError("Unavailable", `host ${at} is away`);
    return server;
  }

  async #devices(): Promise<DeviceStatus[]> {
    const all = this.hosts.map(async (host) => {
      const [status] = (await host.server?.devices()) ?? [];
      host.status = status ?? { ...host.status, state: "down" };
      return host.status;
    });
    return await Promise.all(all);
  }

  #router(): BlockService {
    return new Proxy({} as BlockService, {
      get: (_, name) => {
        if (name === "devices") return () => this.#devices();
        return async (...given: unknown[]) => {
          const [first] = given as [DeviceId | { readonly device: DeviceId }];
          const device = typeof first === "string" ? first : first.device;
          const go = async () => {
            await this.onOrder(String(name), device, given);
            const server = this.#server(this.at(device));
            const method = Reflect.get(server, name) as (...given: unknown[]) => Promise<unknown>;
            return await method.apply(server, given);
          };
          return await this.around({ name: String(name), device, given }, go);
        };
      },
    });
  }

  random(bytes: number): Buffer {
    return this.#random.bytes(bytes);
  }
}
