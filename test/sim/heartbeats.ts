/** What each nameserver hears of the dataservers: now and then each tells all of them how it stands. */
import type { DeviceStatus } from "../../rpc/block-service.ts";
import type { SimDataserver } from "./sim-dataserver.ts";
import type { SimNetwork } from "./sim-network.ts";

const EVERY_MS = 150;
const DOWN_MS = 600;

export class Heartbeats {
  readonly #network: SimNetwork;
  /** By listener and teller. */
  readonly #heard = new Map<string, { readonly atMs: number; readonly status: DeviceStatus }>();
  readonly #nowMs: () => number;

  constructor(network: SimNetwork, nowMs: () => number) {
    this.#network = network;
    this.#nowMs = nowMs;
  }

  /** Until this life of the dataserver ends. */
  begin(server: SimDataserver, listeners: () => readonly { readonly id: number }[]): void {
    const { process } = server;
    if (process === undefined) return;
    const beat = () => {
      const status = server.status();
      for (const { id } of listeners())
        this.#network.carry(server.id, id, () =>
          this.#heard.set(`${id} ${server.id}`, { atMs: this.#nowMs(), status }),
        );
      process.after(EVERY_MS, beat);
    };
    beat();
  }

  /** What the listener last heard of it; `down` when that is long ago. */
  statusOf({ id, device }: SimDataserver, listener: number): DeviceStatus {
    const heard = this.#heard.get(`${listener} ${id}`);
    const status = heard?.status ?? { device, path: "", totalBytes: 0, freeBytes: 0, state: "ok" };
    const isFresh = heard !== undefined && this.#nowMs() - heard.atMs < DOWN_MS;
    return isFresh ? status : { ...status, state: "down" };
  }
}
