/** What goes wrong in a simulation, every kind of it counted. */
import { DataserverFaults, dataserverWeights, isDataserverFault } from "./faults-dataserver.ts";
import { DeviceFaults, deviceWeights, isDeviceFault } from "./faults-devices.ts";
import { isMapFault, MapFaults, mapWeights } from "./faults-map.ts";
import { isMemberFault, MemberFaults, memberWeights } from "./faults-members.ts";
import { isPlot, Plots, plotWeights } from "./plots.ts";
import { StripePlots } from "./plots-stripes.ts";
import type { SimNode } from "./sim-node.ts";
import type { World } from "./world.ts";

const weights = {
  ...dataserverWeights,
  ...deviceWeights,
  ...mapWeights,
  ...plotWeights,
  ...memberWeights,
  crash: 8,
  kill: 8,
  crashAll: 1,
  pause: 5,
  isolate: 6,
  split: 4,
  oneWay: 6,
  partial: 4,
  loss: 4,
  slowNetwork: 3,
  slowDisk: 4,
  syncError: 3,
  fullDisk: 3,
  bitFlip: 3,
  clockJump: 2,
  /** It comes with conversions. */
  catchConversion: 0,
};
export type FaultName = keyof typeof weights;
const names = Object.keys(weights) as FaultName[];
const urnOf = (some: readonly FaultName[]) =>
  some.flatMap((name) => Array.from({ length: weights[name] }, () => name));
/** The end of a log may lie behind all marks: a flip there cannot be told from a torn write. */
const TOLD_TAIL_BYTES = 1_500;

export class Faults {
  readonly counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<FaultName, number>;
  readonly #world: World;
  readonly #dataservers: DataserverFaults;
  readonly #devices: DeviceFaults;
  readonly #map: MapFaults;
  readonly plots: Plots;
  readonly #stripePlots: StripePlots;
  readonly #members: MemberFaults;
  /** Who has lost entries must not be counted among few: a bit is flipped, or members change. */
  readonly #flips: boolean;
  readonly #urn: readonly FaultName[];
  #isOver = false;

  constructor(world: World) {
    this.#world = world;
    this.plots = new Plots(world);
    this.#stripePlots = new StripePlots(world);
    this.#members = new MemberFaults(world);
    this.#flips = world.dice.chance(0.5);
    const isBare = world.machines.servers.length === 0;
    const isLeftOut = (name: string) =>
      isBare && (isDeviceFault(name) || isMapFault(name) || isDataserverFault(name));
    this.#urn = urnOf(names.filter((name) => !isLeftOut(name)));
    this.#dataservers = new DataserverFaults(world);
    // Where copies become fewer, no block may hang on one of those that go.
    const changesCopies = world.dice.chance(0.5);
    this.#devices = new DeviceFaults(world, changesCopies);
    this.#map = new MapFaults(world, changesCopies);
  }

  get total(): number {
    return names.reduce((sum, name) => sum + this.counts[name], 0);
  }

  /** To be called after each event. */
  look(): void {
    this.#stripePlots.look();
    this.counts.catchConversion = this.#stripePlots.count;
  }

  begin(): void {
    const { nodes, dice } = this.#world;
    for (const node of nodes) node.rate = 1 + dice.between(-10, 10) / 1_000;
    this.#map.begin(() => this.#isOver);
    this.#plan();
  }

  end(): void {
    this.#isOver = true;
    this.plots.isOver = true;
    this.#stripePlots.isOver = true;
    this.#heal();
    for (const one of [...this.#world.nodes, ...this.#world.machines.servers]) {
      one.process?.resume();
      one.start();
    }
  }

  #plan(): void {
    const { agenda, dice } = this.#world;
    agenda.after(dice.between(20, 450), () => {
      if (this.#isOver) return;
      if (this.plots.busyUntilMs > agenda.nowMs) return this.#plan();
      if (dice.chance(0.25)) this.#heal();
      else {
        const name = dice.pick(this.#urn) ?? "crash";
        if (this.#happen(name)) this.counts[name]++;
      }
      this.#plan();
    });
  }

  #heal(): void {
    const { network, nodes, oracle } = this.#world;
    oracle.say("all is healed");
    network.heal();
    network.loss = 0;
    network.doubling = 0;
    network.slowestMs = 3;
    for (const node of nodes) {
      node.mood.slowness = 1;
      node.disk.capacityBytes = 2 ** 50;
    }
    this.#dataservers.heal();
    this.#map.heal();
  }

  /** False when there was nobody it could happen to. */
  #happen(name: FaultName): boolean {
    if (isMemberFault(name)) return !this.#flips && this.#members.happen(name);
    if (isPlot(name)) return this.plots.happen(name);
    if (isDataserverFault(name)) return this.#dataservers.happen(name);
    if (isDeviceFault(name)) return this.#devices.happen(name);
    if (isMapFault(name)) return this.#map.happen(name);
    const { dice, nodes, leader, oracle } = this.#world;
    const node = (dice.chance(0.5) ? leader : undefined) ?? dice.pick(nodes);
    if (node === undefined || !node.isUp) return false;
    oracle.say(`fault: ${name} (${node.id})`);
    switch (name) {
      case "crash":
        return this.#crash(node, "power");
      case "kill":
        return this.#crash(node, "process");
      case "crashAll":
        this.#dataservers.crashAll();
        return nodes.map((one) => this.#crash(one, "power")).includes(true);
      case "pause":
        node.process?.pause(dice.between(50, 2_500));
        return true;
      case "clockJump":
        if (node.process !== undefined) node.process.wallShiftMs += dice.between(-60, 60) * 1_000;
        return true;
      case "slowDisk":
        node.mood.slowness = dice.between(3, 80);
        return true;
      case "syncError":
        return this.#failOneSync(node);
      case "fullDisk":
        node.disk.leaveFree(dice.between(0, 3_000));
        return true;
      case "bitFlip":
        return this.#flips && this.#flip(node);
      case "catchConversion":
        return false;
      default:
        return this.#harmNetwork(name, node);
    }
  }

  #harmNetwork(
    name: "isolate" | "split" | "oneWay" | "partial" | "loss" | "slowNetwork",
    { id }: SimNode,
  ): boolean {
    const { dice, network, nodes } = this.#world;
    const others = nodes.filter((node) => node.id !== id);
    switch (name) {
      case "isolate":
        for (const other of others) this.#cutBoth(id, other.id);
        return true;
      case "split": {
        const side = nodes.filter(() => dice.chance(0.5));
        for (const a of side)
          for (const b of nodes) if (!side.includes(b)) this.#cutBoth(a.id, b.id);
        return true;
      }
      case "oneWay": {
        const outward = dice.chance(0.5);
        for (const other of others)
          if (outward) network.cut(id, other.id);
          else network.cut(other.id, id);
        return true;
      }
      case "partial":
        this.#cutBoth(id, dice.pick(others)?.id ?? id);
        return true;
      case "loss":
        network.loss = dice.between(1, 25) / 100;
        network.doubling = dice.between(0, 20) / 100;
        return true;
      default:
        network.slowestMs = dice.between(10, 300);
        return true;
    }
  }

  #cutBoth(a: number, b: number): void {
    this.#world.network.cut(a, b);
    this.#world.network.cut(b, a);
  }

  #crash(node: SimNode, kind: "power" | "process"): boolean {
    if (!node.isUp) return false;
    const { agenda, dice } = this.#world;
    node.crash(kind);
    agenda.after(dice.between(1, 1_500), () => node.start());
    return true;
  }

  #failOneSync(node: SimNode): boolean {
    node.mayStop = true;
    node.disk.failSync(() => {
      node.disk.failSync(undefined);
      return true;
    });
    return true;
  }

  /** In the log of one node, and of so few that a majority is whole. */
  #flip(node: SimNode): boolean {
    const { dice, nodes, oracle } = this.#world;
    const isEnough = nodes.filter(({ isHarmed }) => isHarmed).length >= (nodes.length - 1) >> 1;
    if (isEnough && !node.isHarmed) return false;
    const path = dice.pick(node.disk.paths().filter((one) => one.startsWith("/ns/log/")));
    if (path === undefined || path.endsWith(".new")) return false;
    const content = node.disk.contentOf(path);
    const used = content.findLastIndex((byte) => byte !== 0) - TOLD_TAIL_BYTES;
    if (used <= 0) return false;
    node.isHarmed = true;
    node.mayStop = true;
    node.disk.flip(path, dice.between(0, used), 1 << dice.between(0, 7));
    oracle.say(`a bit of ${path} of ${node.id} flips`);
    return this.#crash(node, "process");
  }
}
