/** Members of one block on dataservers of their own, each on a simulated disk, that know each other. */
import { SimulatedClock } from "../base/clock-simulated.ts";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import { QuarryError } from "../base/errors.ts";
import type { BlobId, BlockId, DeviceId, NeedleId, NeedleOwner } from "../base/ids.ts";
import { seededRandom } from "../base/random.ts";
import {
  type Dataserver,
  type DataserverOptions,
  openDataserver,
} from "../dataserver/dataserver.ts";
import type { Peer } from "../dataserver/rebuild/sources.ts";
import { Codec } from "../erasure/codec.ts";
import { split } from "../erasure/contents.ts";
import { CodecMemory } from "../erasure/memory.ts";
import { pieceBytesOf, schemeOf } from "../erasure/scheme.ts";
import type { RebuildOrder } from "../rpc/healing-service.ts";
import { firstBadSpan, needleChecksums } from "../rpc/needle-checksums.ts";
import type { PoolScheme } from "../rpc/pool.ts";

export const BLOCK = 7 as BlockId;
export const DIRECTORY = "/data";
export const FILE = `${DIRECTORY}/00000007.block`;
const memory = new CodecMemory();

export class Members {
  readonly scheme: PoolScheme;
  readonly clock = new SimulatedClock();
  readonly disks: SimulatedDisk[];
  readonly servers: Dataserver[] = [];
  readonly devices: DeviceId[] = [];
  /** What each member stores of each needle. */
  readonly stored = new Map<NeedleId, Buffer[]>();
  readonly down = new Set<number>();
  /** How the others are reached; default: in this process. */
  reach: (i: number) => Peer = (i) => this.server(i);

  private constructor(scheme: PoolScheme, count: number) {
    this.scheme = scheme;
    this.disks = Array.from({ length: count }, () => new SimulatedDisk());
  }

  /** As many members as there are pieces, and `spare` dataservers more. */
  static async open(scheme: PoolScheme, spare = 1): Promise<Members> {
    const members = new Members(scheme, scheme.k + scheme.m + spare);
    for (let i = 0; i < members.disks.length; i++) await members.start(i);
    for (let piece = 0; piece < scheme.k + scheme.m; piece++)
      await members.server(piece).createBlock(members.at(piece), { piece, scheme });
    return members;
  }

  /** Starts one, also anew. */
  async start(i: number, options: Partial<DataserverOptions> = {}): Promise<Dataserver> {
    const disk = this.disks[i] ?? new SimulatedDisk();
    const server = await openDataserver({
      ...{ disk, clock: this.clock, random: seededRandom(disk.operations + i + 1) },
      ...{ directories: [DIRECTORY], reserveBytes: 0, extendBytes: 2048 },
      peerOf: (address) => this.#peer(Number(address)),
      ...options,
    });
    this.servers[i] = server;
    this.devices[i] = (await server.devices())[0]?.device as DeviceId;
    return server;
  }

  server(i: number): Dataserver {
    const server = this.servers[i];
    if (server === undefined) throw new Error(`there is no server ${i}`);
    return server;
  }

  at(i: number, generation = 1) {
    return { device: this.devices[i] as DeviceId, block: BLOCK, generation };
  }

  /** Cuts the content as a client does and gives each of `to` its piece. */
  async store(
    needle: NeedleId,
    content: Buffer,
    to = this.positions(),
    owner: NeedleOwner = { blob: Number(needle % 1000n) as BlobId, chunk: 3 },
  ): Promise<void> {
    const pieces = await this.#piecesOf(content);
    if (to.length === this.positions().length) this.stored.set(needle, pieces);
    for (const i of to) {
      const data = pieces[i] ?? Buffer.alloc(0);
      const checksums = needleChecksums(BLOCK, needle, data);
      const request = { ...this.at(i), needle, owner, lengthBytes: data.length, checksums };
      const { kind } = await this.server(i).append(request, data);
      if (kind !== "stored") throw new Error(`member ${i} says ${kind}`);
    }
  }

  /** Every member has it by now. */
  async keep(needle: NeedleId, content: Buffer): Promise<void> {
    this.stored.set(needle, await this.#piecesOf(content));
  }

  positions(): number[] {
    return Array.from({ length: this.scheme.k + this.scheme.m }, (_, i) => i);
  }

  async remove(needle: NeedleId, from = this.positions()): Promise<void> {
    for (const i of from) await this.server(i).remove(this.at(i), [needle]);
    this.stored.delete(needle);
  }

  async seal(which = this.positions()): Promise<void> {
    for (const i of which) await this.server(i).sealBlock(this.at(i));
  }

  /** Piece `piece` on server `to`, from the other members. */
  order(piece: number, to: number, more: Partial<RebuildOrder> = {}): RebuildOrder {
    return {
      ...this.at(to),
      ...{ piece, scheme: this.scheme, layout: this.scheme.k === 1 ? "whole" : "split" },
      sources: this.positions()
        .filter((i) => i !== piece)
        .map((i) => ({ piece: i, device: this.devices[i] as DeviceId, address: String(i) })),
      ...more,
    };
  }

  /** What server `i` serves of a needle, verified as a client does it; or the kind of its answer. */
  async load(i: number, needle: NeedleId): Promise<Buffer | string> {
    const whole = { offset: 0, lengthBytes: 2 ** 31 };
    const reply = await this.server(i).read({ ...this.at(i), needle, ...whole });
    if (reply.kind !== "data") return reply.kind;
    const { needleBytes, data, checksums } = reply;
    const bad = firstBadSpan(BLOCK, needle, needleBytes, data, checksums);
    return bad >= 0 || data.length !== needleBytes ? "wrong" : Buffer.from(data);
  }

  async #piecesOf(content: Buffer): Promise<Buffer[]> {
    const { k, m } = this.scheme;
    if (k === 1) return this.positions().map(() => content);
    const codec = new Codec(schemeOf(k, m), memory);
    using pieces = codec.pieces(pieceBytesOf(codec.scheme, content.length));
    split(content, pieces, k);
    await codec.encode(pieces);
    return this.positions().map((i) => Buffer.from(pieces.at(i)));
  }

  #peer(i: number): Peer {
    if (!this.down.has(i)) return this.reach(i);
    const away = () => Promise.reject(new QuarryError("Unavailable", `${i} is down`));
    return {
      ...{ inventory: away, fetch: away, records: away },
      ...{ readStripe: away, stage: away, finishStage: away },
    };
  }
}
