/**
 * A dataserver with one device, at its interface: it answers as the real one does, takes its time,
 * and crashes. What it has not acknowledged a crash may lose.
 */
import { QuarryError } from "../../base/errors.ts";
import type { BlockId, DeviceId, NeedleId, Term } from "../../base/ids.ts";
import type { Agenda } from "../../raft/testing/agenda.ts";
import type { Dice } from "../../raft/testing/dice.ts";
import type {
  AppendReply,
  AppendRequest,
  BlockAddress,
  BlockService,
  BlockStatus,
  DeviceStatus,
  Order,
  ReadReply,
  ReadRequest,
} from "../../rpc/block-service.ts";
import type { HealingService } from "../../rpc/healing-service.ts";
import type { StripeService } from "../../rpc/stripe-service.ts";
import type { Flaw } from "./flaw.ts";
import type { Oracle } from "./oracle.ts";
import { SimProcess } from "./process.ts";
import * as blocks from "./sim-blocks.ts";

const BLOCK_BYTES = 1_200;
const SYNC_MS = 2;
const READ_MS = 0.3;

export interface DataserverSurroundings {
  readonly agenda: Agenda;
  readonly dice: Dice;
  readonly oracle: Oracle;
  readonly flaw: Flaw;
  readonly witness: blocks.Witness;
  readonly onStart: (server: SimDataserver) => void;
}

export class SimDataserver implements Omit<BlockService, keyof HealingService | keyof StripeService> {
  /** On the network. */
  readonly id: number;
  readonly device: DeviceId;
  readonly held: Map<BlockId, blocks.SimBlock> = new Map();
  process: SimProcess | undefined;
  slowness = 1;
  isFull = false;
  /** The next sync fails. */
  failsSync = false;
  readonly #around: DataserverSurroundings;
  /** Since a sync failed nothing is written until the next start. */
  #hasFailed = false;
  /** The highest of a leader; on the disk before its order is followed. */
  #term: Term | undefined;
  /** Written, but not synced. */
  readonly #unsynced = new Set<() => void>();
  /** Changes of one block are made one after the other. */
  readonly #tails = new Map<BlockId, Promise<unknown>>();

  constructor(id: number, around: DataserverSurroundings) {
    this.id = id;
    this.device = `device-${id}` as DeviceId;
    this.#around = around;
  }

  get isUp(): boolean {
    return this.process !== undefined;
  }

  start(): void {
    if (this.isUp) return;
    this.process = new SimProcess(this.#around.agenda, 1);
    this.#around.oracle.say(`${this.device} starts`);
    this.#around.onStart(this);
  }

  crash(kind: "power" | "process"): void {
    if (this.process === undefined) return;
    const { oracle, dice } = this.#around;
    oracle.say(`${this.device} crashes (${kind})`);
    this.process.kill();
    this.process = undefined;
    this.failsSync = false;
    this.#hasFailed = false;
    for (const effect of this.#unsynced) if (kind === "process" || dice.chance(0.5)) effect();
    this.#unsynced.clear();
    this.#tails.clear();
  }

  status(): DeviceStatus {
    const state = this.#hasFailed ? "failed" : this.isFull ? "full" : "ok";
    const { device } = this;
    return { device, path: `/${device}`, totalBytes: 1e9, freeBytes: 1e9, state };
  }

  devices(): Promise<DeviceStatus[]> {
    return Promise.resolve([this.status()]);
  }

  async blocks(_device: DeviceId, after: number, limit: number): Promise<BlockStatus[]> {
    await this.#takes(READ_MS);
    const later = [...this.held.values()].filter(({ block }) => block > after);
    return later
      .sort((a, b) => a.block - b.block)
      .slice(0, limit)
      .map(blocks.statusOf);
  }

  createBlock(order: Order): Promise<void> {
    const { block, generation } = order;
    return this.#ordered(order, async () => {
      const there = this.held.get(block);
      if (there?.generation === generation) return;
      if (there !== undefined && there.generation > generation)
        throw blocks.stale(there, generation);
      if (there !== undefined) throw new QuarryError("InvalidArgument", "retire it first");
      await this.#write(() => this.held.set(block, blocks.emptyBlock(block, generation)));
    });
  }

  append(request: AppendRequest, data: Uint8Array): Promise<AppendReply> {
    const { block, generation, needle, owner, lengthBytes, checksums } = request;
    return this.#alone(block, async (): Promise<AppendReply> => {
      const at = this.held.get(block);
      if (at === undefined) return { kind: "missing" };
      if (at.generation !== generation) return { kind: "stale" };
      if (at.sealed) return { kind: "sealed" };
      if (at.needles.has(needle) || at.tombstones.has(needle)) return { kind: "duplicate" };
      const room = BLOCK_BYTES - at.fileBytes - blocks.recordBytes(lengthBytes);
      if (this.isFull || room < 0) return { kind: "full" };
      const stored = { needle, ...owner, lengthBytes, checksums, data };
      const synced = this.#write(() => blocks.put(at, needle, stored));
      if (this.#around.flaw.storesEarly === true) synced.catch(() => undefined);
      else await synced;
      return { kind: "stored" };
    });
  }

  async read({ block, needle }: ReadRequest): Promise<ReadReply> {
    await this.#takes(READ_MS);
    const found = this.held.get(block)?.needles.get(needle);
    if (found === undefined)
      return { kind: "missing", what: this.held.has(block) ? "needle" : "block" };
    const { data, checksums, lengthBytes: needleBytes } = found;
    const generation = this.held.get(block)?.generation ?? 0;
    return { kind: "data", needleBytes, generation, offset: 0, checksums, data: Buffer.from(data) };
  }

  remove(address: Order, needles: readonly NeedleId[]): Promise<void> {
    return this.#ordered(address, async () => {
      const at = blocks.blockAt(this.held, address);
      const there = needles.filter((needle) => at.needles.has(needle));
      if (there.length > 0) await this.#write(() => this.#remove(at, there));
    });
  }

  sealBlock(address: Order): Promise<BlockStatus> {
    return this.#ordered(address, async () => {
      const at = blocks.blockAt(this.held, address);
      if (!at.sealed)
        await this.#write(() => {
          at.sealed = true;
        });
      return blocks.statusOf(at);
    });
  }

  async needles(address: BlockAddress, cursor: number, limit: number) {
    await this.#takes(READ_MS);
    const all = [...blocks.blockAt(this.held, address).needles.values()];
    const found = all.filter(({ offset }) => offset >= cursor);
    const entries = found.slice(0, limit);
    const next = found[limit]?.offset;
    return next === undefined ? { entries } : { entries, next };
  }

  compact(address: Order): Promise<BlockStatus> {
    return this.#ordered(address, async () => {
      const at = blocks.blockAt(this.held, address);
      if (!at.sealed) throw new QuarryError("InvalidArgument", "it is open; seal it first");
      if (this.isFull) throw new QuarryError("DiskFull", "there is no room to compact");
      const built = this.#around.flaw.rebuilds?.(at) ?? blocks.rebuilt(at);
      await this.#takes(SYNC_MS);
      await this.#write(() => {
        at.built = built;
      });
      return blocks.statusOf(built);
    });
  }

  switchGeneration(address: Order): Promise<void> {
    const { block, generation } = address;
    return this.#ordered(address, async () => {
      const at = this.held.get(block);
      if (at?.generation === generation) return;
      if (at === undefined || at.generation + 1 !== generation) {
        blocks.blockAt(this.held, address);
        return;
      }
      const { built } = at;
      if (built === undefined) throw new QuarryError("NoSuchBlock", "the generation is not built");
      await this.#write(() => this.#switch(at, built));
    });
  }

  retire(address: Order): Promise<void> {
    return this.#ordered(address, async () => {
      if (!this.held.has(address.block)) return;
      const at = blocks.blockAt(this.held, address);
      if (at.needles.size > 0) throw new QuarryError("InvalidArgument", "it holds needles");
      await this.#write(() => {
        this.held.delete(address.block);
        this.#around.witness.retired(this.device, at);
      });
    });
  }

  #remove(at: blocks.SimBlock, needles: readonly NeedleId[]): void {
    for (const id of needles) {
      const needle = at.needles.get(id);
      blocks.remove(at, id);
      if (needle !== undefined) this.#around.witness.removed(this.device, at, needle);
    }
  }

  /** What was removed since the generation was built is removed from it. */
  #switch(at: blocks.SimBlock, built: blocks.SimBlock): void {
    if (this.#around.flaw.forgetsTombstones !== true)
      for (const id of at.tombstones) blocks.remove(built, id);
    this.held.set(at.block, built);
    this.#around.witness.switched(this.device, at, built);
  }

  /** The term is looked at when its turn has come: until then a newer leader may have spoken. */
  #ordered<T>({ block, term }: Order, run: () => Promise<T>): Promise<T> {
    return this.#alone(block, async () => {
      if (term !== undefined && term < (this.#term ?? 0))
        throw new QuarryError("StaleTerm", `term ${term} is over: ${this.#term} has begun`);
      this.#term = term ?? this.#term;
      return await run();
    });
  }

  #alone<T>(block: BlockId, run: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(block) ?? Promise.resolve();
    const running = before.then(async () => {
      if (this.#hasFailed) throw new QuarryError("DiskFailed", `${this.device} is read-only`);
      return await run();
    });
    this.#tails.set(
      block,
      running.catch(() => undefined),
    );
    return running;
  }

  /** Resolves when the effect is durable. */
  async #write(effect: () => void): Promise<void> {
    const { process } = this;
    this.#unsynced.add(effect);
    await this.#takes(SYNC_MS);
    if (process !== this.process || !this.#unsynced.delete(effect)) return;
    if (this.failsSync) {
      this.failsSync = false;
      this.#hasFailed = true;
      // What the failed sync should have saved is lost, or is not.
      if (this.#around.dice.chance(0.5)) effect();
      throw new QuarryError("DiskFailed", `${this.device}: input/output error`);
    }
    effect();
  }

  async #takes(usualMs: number): Promise<void> {
    const share = this.#around.dice.between(20, 180) / 100;
    await this.process?.sleep(usualMs * share * this.slowness);
  }
}
