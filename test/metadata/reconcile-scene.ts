/**
 * One settled block on dataservers of their own (members-fixture.ts), a state that names its needles, and
 * a reconciler over what the devices report.
 */
import { QuarryError } from "../../base/errors.ts";
import type { BlobId, DeviceId, NeedleId, Term } from "../../base/ids.ts";
import type { Group } from "../../nameserver/group/group.ts";
import { keys } from "../../nameserver/keyspace.ts";
import { NeedleReports } from "../../nameserver/needle-reports.ts";
import { Losses } from "../../nameserver/planner/losses.ts";
import { Reconciler } from "../../nameserver/planner/reconciler.ts";
import { read } from "../../nameserver/queries/read.ts";
import { Puller } from "../../nameserver/stock/puller.ts";
import type { BlockService, DeviceStatus } from "../../rpc/block-service.ts";
import { type HealingSettings, usualHealing } from "../../rpc/healing.ts";
import type { PoolScheme } from "../../rpc/pool.ts";
import { BLOCK, Members } from "../members-fixture.ts";
import { ClusterState } from "./cluster-state.ts";

const at = { block: BLOCK, generation: 1 };
const BLOBS = 500;

export class ReconcileScene implements AsyncDisposable {
  readonly members: Members;
  readonly state = new ClusterState();
  readonly losses: Losses = new Losses();
  readonly needleReports: NeedleReports = new NeedleReports();
  readonly told: string[] = [];
  readonly sealed: number[] = [];
  settings: HealingSettings = usualHealing;
  /** Called before each order goes to a device. */
  onAsked: (name: string) => void = () => undefined;
  readonly blocks: BlockService;
  readonly group: Group;
  readonly puller: Puller;
  reconciler: Reconciler;

  private constructor(members: Members) {
    this.members = members;
    this.blocks = this.#router();
    const { store, propose } = this.state;
    const timeMs = members.clock.nowMs();
    const facts = { state: store, propose, timeMs, term: 1 as Term, isLeader: true };
    this.group = facts as unknown as Group;
    const { clock } = members;
    const report = (message: string) => void this.told.push(message);
    const { group, blocks } = this;
    this.puller = new Puller({ group, blocks, clock, report, heardMs: () => undefined });
    this.reconciler = this.#newReconciler();
  }

  static async open(scheme: PoolScheme, spare = 0): Promise<ReconcileScene> {
    const members = await Members.open(scheme, spare);
    const scene = new ReconcileScene(members);
    await scene.state.propose({ type: "leaseBlobs", count: BLOBS });
    const devices = members.positions().map((i) => members.devices[i] ?? null);
    await scene.state.propose({ type: "addBlock", ...at, pool: 0, scheme, members: devices });
    return scene;
  }

  /** Stores a needle on some of the members; its owner is blob `n`, chunk 0, whether that is named or not. */
  async store(n: number, content: Buffer, to = this.members.positions()): Promise<void> {
    await this.members.store(idOf(n), content, to, { blob: n as BlobId, chunk: 0 });
  }

  async name(n: number, lengthBytes = 100): Promise<void> {
    const chunk = { block: BLOCK, needle: idOf(n), lengthBytes, crc32c: 1 };
    const blob = n as BlobId;
    await this.state.propose({ type: "addChunks", blob, first: 0, chunks: [chunk] });
  }

  async settle(): Promise<void> {
    await this.state.propose({ type: "sealBlock", ...at });
    await this.state.propose({ type: "settleBlock", ...at, afterMs: 0 });
  }

  /** Looks, with time between, until nothing is under way and nothing waits. */
  async look(times = 4): Promise<void> {
    for (let time = 0; time < times; time++) {
      await this.puller.look();
      await this.puller.idle();
      await this.puller.look();
      while (await this.reconciler.step());
      await this.reconciler.idle();
      this.members.clock.advance(11_000);
    }
  }

  /** Another leads from now on, who remembers nothing. */
  newLeader(): void {
    (this.group as unknown as { term: number }).term++;
    this.reconciler = this.#newReconciler();
  }

  get row() {
    return read(this.state.store, keys.block(BLOCK));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.puller[Symbol.asyncDispose]();
    for (const server of this.members.servers) await server[Symbol.asyncDispose]();
  }

  #newReconciler(): Reconciler {
    const { group, blocks, members, needleReports, losses } = this;
    const report = (message: string) => void this.told.push(message);
    const context = { group, blocks, clock: members.clock, report };
    return new Reconciler(context, {
      stock: this.puller.stock,
      ...{ needleReports, losses, lookMs: 1 },
      seal: async (block) => void this.sealed.push(block),
      addressOf: async (device) => String(members.devices.indexOf(device)),
      settings: () => this.settings,
    });
  }

  #indexOf(device: DeviceId): number {
    const i = this.members.devices.indexOf(device);
    if (i < 0 || this.members.down.has(i))
      throw new QuarryError("Unavailable", `${device} is down`);
    return i;
  }

  /** All dataservers as one, each order to whom it names. */
  #router(): BlockService {
    const devices = async (): Promise<DeviceStatus[]> => {
      const { members } = this;
      const all = await Promise.all(members.servers.map((server) => server.devices()));
      return all.flatMap((one, i) =>
        one.map((status) => (members.down.has(i) ? { ...status, state: "down" } : status)),
      );
    };
    return new Proxy({ devices } as unknown as BlockService, {
      get: (own, name) => {
        if (name === "devices") return own.devices;
        return async (first: DeviceId | { device: DeviceId }, ...rest: unknown[]) => {
          const device = typeof first === "string" ? first : first.device;
          this.onAsked(String(name));
          const server = this.members.server(this.#indexOf(device)) as unknown as Record<
            string | symbol,
            (...args: unknown[]) => Promise<unknown>
          >;
          return await server[name]?.(first, ...rest);
        };
      },
    });
  }
}

/** Far from each other, as random ones are: the digest of a block is their XOR. */
export const idOf = (n: number): NeedleId =>
  BigInt.asUintN(64, BigInt(n) * 0x9e3779b97f4a7c15n) as NeedleId;
