/**
 * One dataserver through all its lives: the real one, on simulated disks, at its place in the cluster.
 * So whatever it does in a crash is what the product would do.
 */
import type { DeviceId, ServerId } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import { type Dataserver, openDataserver } from "../../dataserver/dataserver.ts";
import { startScrubbing } from "../../dataserver/scrubbing.ts";
import type { Agenda } from "../../raft/testing/agenda.ts";
import type { Dice } from "../../raft/testing/dice.ts";
import { formatAddress } from "../../rpc/address.ts";
import type { Location } from "../../rpc/cluster-map.ts";
import { type Attending, attend } from "./attending.ts";
import { type BlockWays, sourceLine } from "./block-line.ts";
import { told } from "./calls.ts";
import type { Drive } from "./drive.ts";
import { drivesDisk } from "./drives-disk.ts";
import type { Flaw } from "./flaw.ts";
import type { Oracle } from "./oracle.ts";
import { SimProcess } from "./process.ts";
import type { DiskMood } from "./sim-disk.ts";

const BLOCK_BYTES = 1_400;
const EXTEND_BYTES = 512;
const RESERVE_BYTES = 1_000;
const SCRUB_REST_MS = 1_500;
const SCRUB_PACE = 2 ** 30;
const AGAIN_MS = 400;

export interface DataserverSurroundings extends Pick<Attending, "line"> {
  readonly agenda: Agenda;
  readonly dice: Dice;
  readonly oracle: Oracle;
  readonly flaw: Flaw;
  readonly ways: BlockWays;
}

export class SimDataserver {
  /** On the network. */
  readonly id: number;
  readonly name: string;
  readonly server: ServerId;
  readonly address: string;
  readonly location: Location;
  drives: readonly Drive[];
  process: SimProcess | undefined;
  /** While it runs and its devices are open. */
  service: Dataserver | undefined;
  /** Since when it does not run. */
  awaySinceMs: number | undefined;
  /** Nobody starts it again. */
  isGone = false;
  readonly mood: DiskMood & { slowness: number };
  readonly #around: DataserverSurroundings;

  constructor(
    id: number,
    location: Location,
    drives: readonly Drive[],
    around: DataserverSurroundings,
  ) {
    this.id = id;
    this.name = `dataserver ${id}`;
    this.server = `00000000-0000-4000-8000-${String(id).padStart(12, "0")}` as ServerId;
    this.address = formatAddress({ host: "dataserver", port: id });
    this.location = location;
    this.drives = drives;
    this.mood = { slowness: 1, isHasty: true, liesAbout: around.flaw.liesAbout ?? (() => false) };
    this.#around = around;
  }

  get isUp(): boolean {
    return this.process !== undefined;
  }

  get devices(): DeviceId[] {
    return this.drives.flatMap(({ device }) => device ?? []);
  }

  /** Whether it makes a block anew, or is given its part of one. */
  get isRebuilding(): boolean {
    return this.drives.some(({ disk }) =>
      disk.paths().some((path) => /\.(rebuilt|staged)\.new$/.test(path)),
    );
  }

  start(): void {
    if (this.isUp || this.isGone) return;
    const process = new SimProcess(this.#around.agenda, 1);
    this.process = process;
    this.awaySinceMs = undefined;
    this.#around.oracle.say(`${this.name} starts`);
    this.#open(process).catch((error: unknown) => {
      if (process.isAlive) this.#failed(error);
    });
  }

  crash(kind: "power" | "process"): void {
    if (this.process === undefined) return;
    const { oracle, dice } = this.#around;
    oracle.say(`${this.name} crashes (${kind})`);
    this.process.kill();
    this.process = undefined;
    this.awaySinceMs = this.#around.agenda.nowMs;
    this.service = undefined;
    for (const drive of this.drives) drive.crash(kind, seededRandom(dice.u32()));
  }

  async #open(process: SimProcess): Promise<void> {
    const { dice, oracle, flaw, ways, line } = this.#around;
    const { clock } = process;
    const peer = { id: this.id, process };
    const report = (message: string) => {
      if (process.isAlive) oracle.say(`${this.name} reports: ${message}`);
    };
    const service = await openDataserver({
      disk: drivesDisk(this.drives, process, dice, this.mood),
      ...{ clock, random: seededRandom(dice.u32()) },
      directories: this.drives.map(({ directory }) => directory),
      opener: this.server,
      ...{ blockBytes: BLOCK_BYTES, extendBytes: EXTEND_BYTES, reserveBytes: RESERVE_BYTES },
      durability: flaw.storesEarly === true ? "none" : "commit",
      peerOf: (address) => sourceLine(ways, peer, address),
      report: ({ kind, path, message }) => report(`${kind}: ${path}: ${message}`),
    });
    this.service = service;
    startScrubbing(service, {
      ...{ clock, report: (what) => report(String(what)), restMs: SCRUB_REST_MS },
      ...{ bytesPerSecond: SCRUB_PACE, firstBytesPerSecond: SCRUB_PACE },
    });
    const attendance = attend({ ...{ line, ways, peer, report }, dataserver: this, service });
    void attendance.failed.then((error) => {
      if (process.isAlive) this.#failed(error);
    });
  }

  /** People start it again. */
  #failed(error: unknown): void {
    const { oracle, agenda, dice } = this.#around;
    oracle.say(`${this.name} stopped: ${told(error)}`);
    this.crash(dice.chance(0.5) ? "power" : "process");
    agenda.after(AGAIN_MS, () => this.start());
  }
}
