/**
 * Which devices a block should be on that it is not on, and in whose place. Members that stand where
 * CRUSH wants some piece stay where they are, so that the fewest bytes move; with k > 1 a place goes to
 * the device that CRUSH names for it, if that is free.
 */
import type { DeviceId } from "../../base/ids.ts";
import type { BlockView, Condition, Member } from "./view.ts";

export interface Target {
  readonly member: Member;
  /** Undefined: CRUSH finds no place for it. */
  readonly to: DeviceId | undefined;
}

const needsAnother: ReadonlySet<Condition> = new Set(["hole", "lost"]);

/** Those that have lost what they had come first. */
export function targetsOf({ row, wanted, members }: BlockView): Target[] {
  const wantedOnes = new Set(wanted);
  const homeless = members
    .filter(({ device }) => device === null || !wantedOnes.has(device))
    .sort((a, b) => urgency(a.condition) - urgency(b.condition));
  const free = new Set(wanted.filter((one) => one !== undefined && !row.members.includes(one)));
  const served = homeless.slice(0, free.size);
  const own = served.map(({ position }) => take(free, wanted[position]));
  return homeless.map((member, at) => {
    if (at >= served.length) return { member, to: undefined };
    return { member, to: own[at] ?? take(free, free.values().next().value) };
  });
}

const urgency = (condition: Condition): number =>
  needsAnother.has(condition) ? 0 : condition === "absent" || condition === "behind" ? 1 : 2;

function take(free: Set<DeviceId | undefined>, one: DeviceId | undefined): DeviceId | undefined {
  return one !== undefined && free.delete(one) ? one : undefined;
}
