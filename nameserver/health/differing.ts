/**
 * Members of a settled block that hold other needles than the rest. While needles are deleted they do
 * for a moment, so only what stays as it is for a while is a difference.
 */
import type { Clock } from "../../base/clock.ts";
import type { DeviceId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { filled } from "../../rpc/name-service.ts";
import type { BlockRow } from "../rows.ts";
import type { Held } from "../stock/stock.ts";

export interface Differing {
  readonly members: ReadonlySet<DeviceId>;
  /** Another one when anything of it changes. */
  readonly signature: string;
}

const none: Differing = { members: new Set(), signature: "" };

export function differingOf(
  { state, generation, members }: BlockRow,
  holders: ReadonlyMap<DeviceId, Held>,
): Differing {
  if (state !== "settled") return none;
  const groups = new Map<bigint, { readonly held: Held; readonly devices: DeviceId[] }>();
  for (const device of filled(members)) {
    const held = holders.get(device);
    if (held === undefined || held.generation !== generation) continue;
    const group = groups.get(held.digest);
    if (group === undefined) groups.set(held.digest, { held, devices: [device] });
    else group.devices.push(device);
  }
  if (groups.size < 2) return none;
  const [, ...others] = [...groups.values()].sort(
    (a, b) => b.devices.length - a.devices.length || b.held.needles - a.held.needles,
  );
  return {
    members: new Set(others.flatMap(({ devices }) => devices)),
    signature: [...groups].map(([digest, { devices }]) => `${digest} ${devices}`).join(),
  };
}

/** Tells what was so for a while from what came just now. */
export class Lasting<Subject> {
  readonly #clock: Clock;
  readonly #since = new Map<Subject, { readonly signature: string; readonly atMs: number }>();
  #seen = new Set<Subject>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  lasts(subject: Subject, signature: string): boolean {
    this.#seen.add(subject);
    const nowMs = this.#clock.monotonicMs();
    const known = this.#since.get(subject);
    if (known?.signature === signature) return nowMs - known.atMs >= limits.healthFreshMs;
    this.#since.set(subject, { signature, atMs: nowMs });
    return false;
  }

  /** What nobody asked for since the last sweep is so no more. */
  sweep(): void {
    for (const subject of this.#since.keys())
      if (!this.#seen.has(subject)) this.#since.delete(subject);
    this.#seen = new Set();
  }
}
