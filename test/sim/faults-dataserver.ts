/** What goes wrong with dataservers. */
import type { SimDataserver } from "./sim-dataserver.ts";
import type { World } from "./world.ts";

export const dataserverWeights = {
  dataserverCrash: 5,
  dataserverKill: 5,
  dataserverPause: 4,
  dataserverSlow: 4,
  dataserverFull: 4,
  dataserverSyncError: 3,
  dataserverCut: 6,
};
export type DataserverFault = keyof typeof dataserverWeights;
/** Until somebody replaces a disk that takes no more writes. */
const REPAIR_MS = 1_200;

export function isDataserverFault(name: string): name is DataserverFault {
  return Object.hasOwn(dataserverWeights, name);
}

export class DataserverFaults {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  heal(): void {
    for (const server of this.#world.machines.servers) {
      server.mood.slowness = 1;
      for (const { disk } of server.drives) disk.capacityBytes = 2 ** 50;
    }
  }

  crashAll(): void {
    for (const server of this.#world.machines.servers) this.#crash(server, "power");
  }

  /** False when there was nobody it could happen to. */
  happen(name: DataserverFault): boolean {
    const { dice, machines, oracle, agenda } = this.#world;
    const server = dice.pick(machines.servers);
    if (server?.process === undefined) return false;
    oracle.say(`fault: ${name} (${server.name})`);
    switch (name) {
      case "dataserverCrash":
        return this.#crash(server, "power");
      case "dataserverKill":
        return this.#crash(server, "process");
      case "dataserverPause":
        server.process.pause(dice.between(50, 2_500));
        return true;
      case "dataserverSlow":
        server.mood.slowness = dice.between(3, 80);
        return true;
      case "dataserverFull":
        for (const { disk } of server.drives) disk.leaveFree(dice.between(0, 3_000));
        return true;
      case "dataserverSyncError": {
        this.#failOneSync(server);
        const life = server.process;
        agenda.after(REPAIR_MS, () => {
          if (life.isAlive) this.#crash(server, "process");
        });
        return true;
      }
      default:
        this.#cut(server);
        return true;
    }
  }

  #failOneSync(server: SimDataserver): void {
    const drive = this.#world.dice.pick(server.drives);
    drive?.disk.failSync(() => {
      drive.disk.failSync(undefined);
      return true;
    });
  }

  /** From some of those who talk to it, in one direction or both. */
  #cut({ id }: SimDataserver): void {
    const { dice, network, nodes, users } = this.#world;
    const ways = dice.between(1, 3);
    const others = this.#world.machines.servers.filter((one) => one.id !== id);
    const all = [...nodes, ...others].map((one) => one.id as number);
    const peers = [...all, ...users.peers];
    for (const peer of peers.filter(() => dice.chance(0.6))) {
      if ((ways & 1) > 0) network.cut(id, peer);
      if ((ways & 2) > 0) network.cut(peer, id);
    }
  }

  #crash(server: SimDataserver, kind: "power" | "process"): boolean {
    if (!server.isUp) return false;
    const { agenda, dice } = this.#world;
    server.crash(kind);
    agenda.after(dice.between(1, 1_500), () => server.start());
    return true;
  }
}
