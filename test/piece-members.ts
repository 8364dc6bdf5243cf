/**
 * What tests of chunks in pieces share: blocks of any scheme on the devices of a real dataserver on a
 * simulated disk, a nameserver that only says where they are, and members that can be made to fail.
 */
import { type Clock, systemClock } from "../base/clock.ts";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import { assert, QuarryError } from "../base/errors.ts";
import type { BlobId, BlockId, DeviceId } from "../base/ids.ts";
import { type Random, seededRandom } from "../base/random.ts";
import type { AppendContext } from "../client/append-chunk.ts";
import { Codecs } from "../client/codecs.ts";
import { Latencies } from "../client/latencies.ts";
import { type BlockAccess, Locations, OpenBlocks } from "../client/members.ts";
import { NeedleReports } from "../client/needle-reports.ts";
import { PoolChoice } from "../client/pool-choice.ts";
import { type Dataserver, openDataserver } from "../dataserver/dataserver.ts";
import type { ReadReply } from "../rpc/block-service.ts";
import type { BlockMembers, NameService, NeedleReport, OpenBlock } from "../rpc/name-service.ts";
import { layoutOf, type PoolScheme, piecesOf } from "../rpc/pool.ts";
import type { ConvertOrder } from "../rpc/stripe-service.ts";

/** `hang`: its answers never come. `lie`: one bit is not what was written. */
export type Fault = "away" | "hang" | "lie" | "missing" | "damaged" | "fail" | "newer" | "late";

/** A hundred times as fast as the real one. */
export const hastyClock: Clock = {
  nowMs: () => systemClock.nowMs(),
  monotonicMs: () => systemClock.monotonicMs() * 100,
  after: (delayMs, run) => systemClock.after(delayMs / 100, run),
};

export const owner = { blob: 1 as BlobId, chunk: 0 };

export class PieceMembers implements AsyncDisposable {
  readonly scheme: PoolScheme;
  readonly random: Random;
  readonly devices: readonly DeviceId[];
  readonly server: Dataserver;
  readonly faults = new Map<DeviceId, Fault>();
  /** Devices in the order in which they were asked to read. */
  readonly asked: DeviceId[] = [];
  readonly blocks: OpenBlock[] = [];
  readonly told: NeedleReport[] = [];
  readonly reported: { readonly block: BlockId; reason: string; position?: number }[] = [];
  readonly #late: (() => void)[] = [];
  context: AppendContext;

  /** Called when a client asks for blocks without some devices. */
  onAvoid: (devices: readonly DeviceId[]) => Promise<void> = async () => undefined;

  private constructor(scheme: PoolScheme, random: Random, server: Dataserver, ids: DeviceId[]) {
    this.scheme = scheme;
    this.random = random;
    this.server = server;
    this.devices = ids;
    this.context = this.#client();
  }

  /** Blocks of this scheme on as many devices, and some more. */
  static async open(
    scheme: PoolScheme,
    seed: number,
    { spare = 0, disk = new SimulatedDisk() } = {},
  ): Promise<PieceMembers> {
    const random = seededRandom(seed);
    const directories = Array.from({ length: piecesOf(scheme) + spare }, (_, i) => `/device-${i}`);
    const server = await openDataserver({
      ...{ disk, directories, random, clock: systemClock, reserveBytes: 0, extendBytes: 4096 },
    });
    const ids = (await server.devices()).map(({ device }) => device);
    return new PieceMembers(scheme, random, server, ids);
  }

  /** The same devices and blocks, when the machine is on again. */
  static async reopen(before: PieceMembers, disk: SimulatedDisk): Promise<PieceMembers> {
    const spare = before.devices.length - piecesOf(before.scheme);
    const members = await PieceMembers.open(before.scheme, before.random.u32(), { spare, disk });
    members.blocks.push(...before.blocks);
    return members;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }

  /** One more open block; of the first devices unless others are given. */
  async addBlock(members: BlockMembers = this.devices.slice(0, piecesOf(this.scheme))) {
    const block = (this.blocks.length + 1) as BlockId;
    const { scheme } = this;
    for (const device of members)
      if (device !== null) await this.createBlock(device, block, members.indexOf(device));
    const layout = layoutOf(scheme);
    this.blocks.push({ block, generation: 1, pool: 0, scheme, layout, members });
  }

  /** Writes the first block anew in stripes, on devices from number `first` on. */
  async stripe(scheme: PoolScheme, first = 0, more: Partial<ConvertOrder> = {}): Promise<void> {
    const [block] = this.blocks;
    assert(block !== undefined, "there is a block");
    const at = { block: block.block, generation: block.generation };
    const near = (device: DeviceId | null, piece: number) => ({
      ...{ piece, device: device ?? this.devices[0] ?? ("" as DeviceId), address: "" },
    });
    for (const device of block.members)
      if (device !== null) await this.server.sealBlock({ device, ...at });
    const members = this.devices.slice(first, first + piecesOf(scheme));
    const { encoding } = await this.server.convert({
      ...{ device: members[0] ?? ("" as DeviceId), ...at },
      ...{ scheme: block.scheme, layout: block.layout, sources: block.members.map(near) },
      ...{ to: { scheme, layout: "striped" }, targets: members.map(near) },
      ...more,
    });
    const generation = block.generation + 1;
    for (const device of members)
      await this.server.switchGeneration({ ...at, device, generation, encoding });
    this.blocks[0] = { ...block, generation, scheme, layout: "striped", members };
  }

  async createBlock(device: DeviceId, block: BlockId, piece: number): Promise<void> {
    const { scheme } = this;
    await this.server.createBlock({ device, block, generation: 1 }, { piece, scheme });
  }

  /** Another client, that remembers nothing. */
  forget(): void {
    this.context = this.#client();
  }

  fault(positions: Iterable<number>, fault: Fault): void {
    for (const position of positions) {
      const device = this.devices[position];
      assert(device !== undefined, "the position is filled");
      this.faults.set(device, fault);
    }
  }

  /** Lets out all answers that were held back as `late`. */
  release(): void {
    for (const answer of this.#late.splice(0)) answer();
  }

  /** How many answers are held back as `late`. */
  get held(): number {
    return this.#late.length;
  }

  #client(): AppendContext {
    const names = this.#names();
    return {
      serviceOf: (device) => this.#serviceOf(device),
      locations: new Locations(names),
      openBlocks: new OpenBlocks(names),
      pools: new PoolChoice(names, hastyClock),
      clock: hastyClock,
      random: this.random,
      codecs: new Codecs(),
      latencies: new Latencies(hastyClock),
      reports: new NeedleReports(names),
    };
  }

  #names(): NameService {
    const names: Partial<NameService> = {
      clusterMap: async () => ({ epoch: 0, down: [] }),
      openBlocks: async (_pool, avoid) => {
        if (avoid !== undefined) await this.onAvoid(avoid);
        const reported = new Set(this.reported.map(({ block }) => block));
        return this.blocks.filter(({ block }) => !reported.has(block));
      },
      locate: async (wanted) => {
        const found = this.blocks.find(({ block }) => block === wanted);
        if (found === undefined) throw new QuarryError("NoSuchBlock", `no block ${wanted}`);
        return found;
      },
      reportBlock: async (block, _generation, reason, position) => {
        this.reported.push({ block, reason, ...(position !== undefined && { position }) });
      },
      reportNeedle: async (block, position, needle, what) => {
        this.told.push({ block, position, needle, what });
      },
    };
    return names as NameService;
  }

  #serviceOf(device: DeviceId): BlockAccess {
    return {
      append: async (request, data) => {
        const fault = this.faults.get(device);
        if (fault !== undefined) await this.#fail(fault);
        return await this.server.append(request, data);
      },
      read: async (request) => {
        this.asked.push(device);
        const fault = this.faults.get(device);
        if (fault === undefined) return await this.server.read(request);
        if (fault === "missing") return { kind: "missing", what: "needle" };
        if (fault === "damaged") return { kind: "damaged", detail: "a bad sector" };
        if (fault !== "lie" && fault !== "newer") await this.#fail(fault);
        return twisted(await this.server.read(request), fault, this.random);
      },
      remove: async (order, needles) => {
        const fault = this.faults.get(device);
        if (fault !== undefined) await this.#fail(fault);
        await this.server.remove(order, needles);
      },
      readStripe: async (request) => {
        this.asked.push(device);
        const fault = this.faults.get(device);
        if (fault === "missing") throw new QuarryError("NoSuchBlock", "it is not here");
        if (fault === "damaged") throw new QuarryError("Damaged", "a bad sector");
        if (fault === "newer") throw new QuarryError("StaleGeneration", "it is newer");
        if (fault !== undefined && fault !== "lie") await this.#fail(fault);
        const reply = await this.server.readStripe(request);
        return fault === "lie" ? { ...reply, sum: reply.sum ^ 1 } : reply;
      },
    };
  }

  async #fail(fault: Fault): Promise<void> {
    if (fault === "away") throw new QuarryError("Unavailable", "the dataserver is away");
    if (fault === "fail") throw new QuarryError("DiskFailed", "the disk has failed");
    if (fault === "hang") await new Promise(() => undefined);
    if (fault === "late") await new Promise<void>((answer) => this.#late.push(answer));
  }
}

function twisted(reply: ReadReply, fault: Fault, random: Random): ReadReply {
  if (reply.kind !== "data") return reply;
  if (fault === "newer") return { ...reply, generation: reply.generation + 1 };
  if (fault !== "lie" || reply.data.length === 0) return reply;
  const data = Buffer.from(reply.data);
  const at = random.u32() % data.length;
  data[at] = (data[at] ?? 0) ^ (1 << (random.u32() % 8));
  return { ...reply, data };
}
