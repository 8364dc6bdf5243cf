/** What people change while everything else goes on: who is in, what it weighs, hosts, schemes of pools. */
import { piecesOf } from "../../rpc/pool.ts";
import { anyCold, anyPieces } from "./cold.ts";
import type { Drive } from "./drive.ts";
import type { World } from "./world.ts";

export const mapWeights = { drain: 3, undrain: 3, addHost: 2, weight: 3, copies: 2 };
export type MapFault = keyof typeof mapWeights;

const WEIGHT = 65_536;
const MOST_HOSTS = 9;
const PIECES_CHANGES = 2;
const PIECES_FROM_MS = 1_500;
const PIECES_TO_MS = 8_000;

export function isMapFault(name: string): name is MapFault {
  return Object.hasOwn(mapWeights, name);
}

export class MapFaults {
  readonly #world: World;
  /** Put out by a person. */
  readonly #drained = new Set<Drive>();
  readonly #changesCopies: boolean;

  constructor(world: World, changesCopies: boolean) {
    this.#world = world;
    this.#changesCopies = changesCopies;
  }

  /** Where blocks become stripes anyway, chance would bring it about too seldom that pieces do, too. */
  begin(isOver: () => boolean): void {
    const { agenda, cold, dice } = this.#world;
    for (let n = 0; cold !== undefined && n < PIECES_CHANGES; n++)
      agenda.after(dice.between(PIECES_FROM_MS, PIECES_TO_MS), () => {
        if (!isOver()) this.#changePieces();
      });
  }

  /** In calm times whoever was drained is in again. */
  heal(): void {
    for (const drive of this.#drained) this.#put(drive, true);
    this.#drained.clear();
  }

  happen(name: MapFault): boolean {
    const { dice, machines } = this.#world;
    const drive = dice.pick(machines.drives);
    if (drive?.device === undefined) return false;
    switch (name) {
      case "drain":
        return this.#drained.size < 1 && this.#put(drive, false);
      case "undrain":
        return this.#drained.has(drive) && this.#put(drive, true);
      case "addHost":
        return this.#addHost();
      case "weight":
        return this.#weigh(drive);
      default:
        return this.#changeCopies();
    }
  }

  #put(drive: Drive, isIn: boolean): boolean {
    const { device } = drive;
    if (device === undefined) return false;
    this.#say(`${isIn ? "undrain" : "drain"} (${device})`);
    if (isIn) this.#drained.delete(drive);
    else this.#drained.add(drive);
    void this.#world.people.ask({ type: "changeDevice", device, in: isIn });
    return true;
  }

  #addHost(): boolean {
    const { machines, dice } = this.#world;
    if (machines.servers.filter(({ isGone }) => !isGone).length >= MOST_HOSTS) return false;
    const server = machines.add(dice.between(1, 2));
    this.#say(`addHost (${server.name})`);
    server.start();
    return true;
  }

  #weigh({ device }: Drive): boolean {
    if (device === undefined) return false;
    const weight = this.#world.dice.between(WEIGHT / 4, 2 * WEIGHT);
    this.#say(`weight (${device})`);
    void this.#world.people.ask({ type: "changeDevice", device, weight });
    return true;
  }

  /** Other stripes, or none. */
  #changeCold(): boolean {
    const { dice, people } = this.#world;
    const cold = anyCold(dice);
    const isOver = piecesOf(cold.scheme) > people.widest || dice.chance(0.4);
    this.#say(`cold (${isOver ? "never" : `${cold.scheme.k}+${cold.scheme.m}`})`);
    void people.setCold(isOver ? null : cold);
    return true;
  }

  /** What is split becomes stripes, or whole copies, and stripes become others. */
  #changePieces(): void {
    const { dice, people } = this.#world;
    const scheme = anyPieces(dice, people.widest);
    this.#say(`pieces (${scheme.k}+${scheme.m})`);
    void people.setPieces(scheme);
  }

  /** Of the pool of copies: two, or three. */
  #changeCopies(): boolean {
    if (this.#world.cold !== undefined && this.#world.dice.chance(0.6)) return this.#changeCold();
    if (!this.#changesCopies) return false;
    const m = this.#world.dice.between(1, 2);
    this.#say(`copies (${m + 1})`);
    void this.#world.people.setCopies(m);
    return true;
  }

  #say(what: string): void {
    this.#world.oracle.say(`fault: ${what}`);
  }
}
