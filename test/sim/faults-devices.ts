/**
 * What happens to disks and what stands on them: they lose everything, rot, move and come back
 * late. A block never has more members harmed than it can lose: who did it knows.
 */
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { SUPERBLOCK_BYTES } from "../../dataserver/superblock.ts";
import { filled } from "../../rpc/name-service.ts";
import { WHOLE } from "../../rpc/pool.ts";
import type { Drive } from "./drive.ts";
import type { SimDataserver } from "./sim-dataserver.ts";
import type { Standing } from "./standing.ts";
import type { World } from "./world.ts";

export const deviceWeights = {
  wipe: 4,
  loseDisk: 3,
  loseHost: 2,
  rot: 8,
  missingNeedle: 4,
  truncate: 4,
  loseBlock: 4,
  awayForLong: 5,
  moveDrive: 4,
  flap: 3,
  catchRebuild: 6,
};
export type DeviceFault = keyof typeof deviceWeights;

/** Longer than it takes until a device is out. */
const AWAY_MS = 6_000;
const CATCH_TRIES = 300;

export function isDeviceFault(name: string): name is DeviceFault {
  return Object.hasOwn(deviceWeights, name);
}

export class DeviceFaults {
  readonly #world: World;
  /** Where copies become fewer, no block may hang on one of those that go. */
  readonly #changesCopies: boolean;
  /** They are out before long, and what they have is made anew without them. */
  readonly #away = new Set<SimDataserver>();

  constructor(world: World, changesCopies: boolean) {
    this.#world = world;
    this.#changesCopies = changesCopies;
  }

  /** False when there was nobody it could happen to, or a block could not bear it. */
  happen(name: DeviceFault): boolean {
    const { dice, machines } = this.#world;
    const server = dice.pick(machines.servers.filter(({ isGone }) => !isGone));
    const drive = dice.pick(server?.drives ?? []);
    if (server === undefined || drive?.device === undefined) return false;
    switch (name) {
      case "wipe":
      case "loseDisk":
        return this.#loseDrive(name, server, drive);
      case "loseHost":
        return this.#loseHost(server);
      case "rot":
      case "missingNeedle":
      case "truncate":
        return this.#harmBlock(name, drive);
      case "loseBlock":
        return this.#loseBlock(server, drive);
      case "awayForLong":
        return this.#stayAway(server, dice.between(AWAY_MS / 2, AWAY_MS));
      case "flap":
        return this.#flap(server);
      case "moveDrive":
        return this.#move(server, drive);
      default:
        return this.#catchRebuild();
    }
  }

  /** Whether every block that has a member there could do without it. */
  canLose(drives: readonly Drive[]): boolean {
    const { needles } = this.#world;
    for (const drive of drives) {
      if (!needles.stripes.canLose(drive)) return false;
      for (const { block } of needles.platters.blocksOf(drive))
        if (!this.#canHarm(drives, block)) return false;
      for (const { block } of needles.platters.waitingOn(drive))
        if (!this.#canHarm(drives, block)) return false;
    }
    return true;
  }

  #canHarm(drives: readonly Drive[], block: BlockId): boolean {
    const { needles, machines } = this.#world;
    const row = needles.names.row(block);
    if (row === undefined) return true;
    const isAway = (device: DeviceId) => {
      const server = machines.of(device);
      return server !== undefined && this.#away.has(server);
    };
    const { k, m } = row.scheme ?? WHOLE;
    const devices = drives.flatMap(({ device }) => device ?? []);
    const isGood = (device: DeviceId) =>
      !devices.includes(device) && !needles.isHarmed(device, block) && !isAway(device);
    const good = filled(row.members).filter(isGood);
    // What was removed just before a conversion is known to members before it alone.
    if (row.before !== undefined && !filled(row.before.members).some(isGood)) return false;
    // Who holds a block without being a member may be about to become one, in the place of a good one.
    const isComing = devices.some((device) => {
      const holds = needles.platters.allOf(device, block).length > 0;
      return holds && !row.members.includes(device);
    });
    const leastGood = k + (isComing ? 1 : 0) + (this.#changesCopies && m > 1 ? 1 : 0);
    return good.length >= leastGood;
  }

  /** Whether a host less leaves a place for every piece, with one that may be drained. */
  #canShrink(): boolean {
    const { machines, people } = this.#world;
    const hosts = machines.servers.filter(({ isGone, drives }) => !isGone && drives.length > 0);
    return hosts.length - 2 >= people.widest;
  }

  #say(what: string): void {
    this.#world.oracle.say(`fault: ${what}`);
  }

  #loseDrive(name: "wipe" | "loseDisk", server: SimDataserver, drive: Drive): boolean {
    if (!this.canLose([drive])) return false;
    const { agenda, dice, machines } = this.#world;
    if (name === "loseDisk" && server.drives.length === 1) return this.#loseHost(server);
    this.#say(`${name} (${drive.device})`);
    server.crash(dice.chance(0.5) ? "power" : "process");
    this.#empty(drive);
    if (name === "loseDisk") server.drives = server.drives.filter((one) => one !== drive);
    if (name === "loseDisk") machines.drives.splice(machines.drives.indexOf(drive), 1);
    agenda.after(dice.between(1, 1_500), () => server.start());
    return true;
  }

  #loseHost(server: SimDataserver): boolean {
    const { machines, dice } = this.#world;
    if (!this.#canShrink() || !this.canLose(server.drives)) return false;
    this.#say(`loseHost (${server.name})`);
    server.crash(dice.chance(0.5) ? "power" : "process");
    server.isGone = true;
    for (const drive of server.drives) {
      this.#empty(drive);
      machines.drives.splice(machines.drives.indexOf(drive), 1);
    }
    return true;
  }

  #empty(drive: Drive): void {
    const { device } = drive;
    this.#world.needles.stripes.loses(drive);
    drive.wipe();
    if (device !== undefined) this.#world.needles.lost(device);
  }

  #harmBlock(name: "rot" | "missingNeedle" | "truncate", drive: Drive): boolean {
    const { dice, needles } = this.#world;
    const { device } = drive;
    const standing = dice.pick([...needles.platters.blocksOf(drive)].filter(isSealed));
    if (device === undefined || standing === undefined) return false;
    const { block } = standing;
    if (!this.#canHarm([drive], block)) return false;
    const path = drive.pathOf(block);
    const bytes = drive.disk.safeFiles.get(path)?.safeContent().length ?? 0;
    this.#say(`${name} (block ${block} of ${device})`);
    if (standing.stripe !== undefined && name !== "truncate") {
      const from = SUPERBLOCK_BYTES;
      const to = from + standing.stripe.range.length + standing.stripe.tables.length;
      drive.flip(path, dice.between(from, to - 1), 1 << dice.between(0, 7));
    } else if (name === "rot") {
      const needle = dice.pick([...standing.needles.values()]);
      const from = needle?.offset ?? 0;
      const to = needle === undefined ? bytes : from + 32 + needle.lengthBytes;
      drive.flip(path, dice.between(from, to - 1), 1 << dice.between(0, 7));
    } else if (name === "missingNeedle") {
      const needle = dice.pick([...standing.needles.values()]);
      if (needle === undefined) return false;
      // Its header is gone, as a write that went astray leaves it.
      for (let i = 0; i < 4; i++) drive.flip(path, needle.offset + i, 0xff);
    } else {
      drive.cut(path, dice.between(0, bytes - 1));
    }
    needles.harmed(device, [block]);
    return true;
  }

  /** While nobody looks the file of a block goes. */
  #loseBlock(server: SimDataserver, drive: Drive): boolean {
    const { agenda, dice, needles } = this.#world;
    const { device } = drive;
    const standing = dice.pick([...needles.platters.blocksOf(drive)].filter(isSealed));
    if (device === undefined || standing === undefined) return false;
    const { block } = standing;
    if (!this.#canHarm([drive], block)) return false;
    this.#say(`loseBlock (block ${block} of ${device})`);
    server.crash("process");
    void drive.lose(drive.pathOf(block)).then(() => needles.harmed(device, [block]));
    agenda.after(dice.between(1, 1_500), () => server.start());
    return true;
  }

  /** Whoever makes a block anew next, or one of the others, stands still or dies in the middle of it. */
  #catchRebuild(): boolean {
    const { agenda, dice, machines } = this.#world;
    const look = (tries: number) => {
      const busy = machines.servers.filter(({ isRebuilding }) => isRebuilding);
      if (busy.length === 0) {
        if (tries > 0) agenda.after(dice.between(1, 10), () => look(tries - 1));
        return;
      }
      const server = dice.pick(
        dice.chance(0.7) ? busy : machines.servers.filter((one) => one.isUp),
      );
      if (server === undefined) return;
      this.#say(`catchRebuild (${server.name})`);
      if (dice.chance(0.5)) server.process?.pause(dice.between(50, 2_500));
      else {
        server.crash(dice.chance(0.5) ? "power" : "process");
        agenda.after(dice.between(1, 1_500), () => server.start());
      }
    };
    look(CATCH_TRIES);
    return true;
  }

  #stayAway(server: SimDataserver, forMs: number): boolean {
    if (!server.isUp || !this.canLose(server.drives)) return false;
    const { agenda, dice } = this.#world;
    this.#say(`awayForLong (${server.name})`);
    server.crash(dice.chance(0.5) ? "power" : "process");
    this.#away.add(server);
    agenda.after(forMs, () => {
      this.#away.delete(server);
      server.start();
    });
    return true;
  }

  #flap(server: SimDataserver): boolean {
    if (!server.isUp) return false;
    const { agenda, dice } = this.#world;
    this.#say(`flap (${server.name})`);
    for (let i = 0, atMs = 0; i < 4; i++) {
      agenda.after(atMs, () => server.crash("process"));
      atMs += dice.between(300, 1_200);
      agenda.after(atMs, () => server.start());
      atMs += dice.between(300, 1_200);
    }
    return true;
  }

  /** To another dataserver, which is started again with it. */
  #move(server: SimDataserver, drive: Drive): boolean {
    const { agenda, dice, machines } = this.#world;
    const others = machines.servers.filter((one) => one !== server && !one.isGone);
    const to = dice.pick(others);
    if (to === undefined || server.drives.length < 2) return false;
    this.#say(`moveDrive (${drive.device} to ${to.name})`);
    for (const one of [server, to]) one.crash(dice.chance(0.5) ? "power" : "process");
    server.drives = server.drives.filter((one) => one !== drive);
    to.drives = [...to.drives, drive];
    for (const one of [server, to]) agenda.after(dice.between(1, 1_500), () => one.start());
    return true;
  }
}

const isSealed = ({ sealed }: Standing) => sealed;
