/**
 * Which devices a block should be on that it is not on, and in whose place. Members that stand where
 * CRUSH wants some piece stay where they are, so that the fewest bytes move; with k > 1 a place goes to
 * a device that has that very piece, else to the one that CRUSH names for it, if it is free.
 */
import type { DeviceId } from "../../base/ids.ts";
import type { BlockView, Condition, Member } from "./view.ts";

export interface Target {
  readonly member: Member;
  /** Undefined: CRUSH finds no place for it. */
  readonly to: DeviceId | undefined;
}

const needsAnother: ReadonlySet<Condition> = new Set(["hole", "lost"]);

/** Those that have lost what they had come first; of these, those of which there is a piece. */
export function targetsOf(view: BlockView): Target[] {
  const { row, wanted, members } = view;
  const wantedOnes = new Set(wanted);
  const free = new Set(wanted.filter((one) => one !== undefined && !row.members.includes(one)));
  const has = new Map(members.map((member) => [member, holderOf(view, member, free)]));
  const homeless = members
    .filter(({ device }) => device === null || !wantedOnes.has(device))
    .sort(
      (a, b) =>
        urgency(a.condition) - urgency(b.condition) || Number(!has.get(a)) - Number(!has.get(b)),
    );
  const served = homeless.slice(0, free.size);
  const held = served.map((member) => take(free, has.get(member)));
  const own = served.map(({ position }, at) => held[at] ?? take(free, wanted[position]));
  return homeless.map((member, at) => {
    if (at >= served.length) return { member, to: undefined };
    return { member, to: own[at] ?? take(free, free.values().next().value) };
  });
}

const urgency = (condition: Condition): number =>
  needsAnother.has(condition) ? 0 : condition === "absent" || condition === "behind" ? 1 : 2;

/** Whoever has this piece. */
function holderOf(
  { scheme, row, holders }: BlockView,
  { position }: Member,
  devices: ReadonlySet<DeviceId | undefined>,
): DeviceId | undefined {
  if (scheme.k === 1) return undefined;
  for (const device of devices) {
    const held = device === undefined ? undefined : holders.get(device);
    const isGood = held?.generation === row.generation && held.damagedBytes === 0;
    if (isGood && held.piece?.piece === position) return device;
  }
  return undefined;
}

function take(free: Set<DeviceId | undefined>, one: DeviceId | undefined): DeviceId | undefined {
  return one !== undefined && free.delete(one) ? one : undefined;
}
