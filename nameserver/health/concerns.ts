/** What is wrong with a cluster beside single blocks, and what would help. Pure. */
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { DeviceStatus } from "../../rpc/block-service.ts";
import type { ClusterMap, MappedDevice } from "../../rpc/cluster-map.ts";
import { osdName } from "../../rpc/crush-map.ts";
import type { HealingProgress } from "../../rpc/healing.ts";
import type { Capacity, Concern } from "../../rpc/health.ts";
import type { Placement } from "../../rpc/placement.ts";
import type { Pool } from "../../rpc/pool.ts";
import { domainNames } from "../no-room.ts";
import type { BlockLoss } from "../planner/losses.ts";
import { spreadOf, standsAt, type Unit, unitsOf } from "./places.ts";
import type { Tally } from "./tally.ts";

/** Another nameserver of the group, as the leader sees it. */
export interface NameserverStanding {
  readonly name: string;
  readonly isVoter: boolean;
  /** Since it was last heard. */
  readonly silentMs: number;
  /** It lost entries, and has no vote until it has them again. */
  readonly isRecovering: boolean;
}

export interface Strangers {
  readonly count: number;
  /** The first of them. */
  readonly some: readonly { readonly block: BlockId; readonly device: DeviceId }[];
}

/** Of one block. */
const LOSSES_NAMED = 3;

export interface ConcernsInput {
  readonly placement: Placement;
  readonly states: readonly DeviceStatus[];
  readonly isHeard: (device: DeviceId) => boolean;
  readonly tally: Tally;
  readonly strangers: Strangers;
  readonly losses: readonly BlockLoss[];
  /** The others of the group; empty for a single one. */
  readonly nameservers: readonly NameserverStanding[];
  readonly capacity: Capacity;
  readonly healing: HealingProgress | undefined;
}

export function concernsOf(input: ConcernsInput): Concern[] {
  return [
    ...nameserverConcerns(input.nameservers),
    ...deviceConcerns(input),
    ...input.placement.map.pools.flatMap((pool) => poolConcerns(input, pool)),
    ...strangerConcerns(input.strangers),
    ...input.losses.map(lossConcern),
    ...healingConcerns(input.healing),
  ];
}

function nameserverConcerns(others: readonly NameserverStanding[]): Concern[] {
  const isAway = ({ silentMs }: NameserverStanding) => silentMs > limits.nameserverSilentMs;
  const voters = 1 + others.filter(({ isVoter }) => isVoter).length;
  const fit = others.filter((one) => one.isVoter && !isAway(one) && !one.isRecovering);
  const spare = 1 + fit.length - (Math.floor(voters / 2) + 1);
  const next = spare > 0 ? "" : "; when one more goes, nothing can be changed or read";
  return others.flatMap((one): Concern[] => {
    const { name } = one;
    const of = { level: "degraded", kind: "nameserver", of: name } as const;
    const silent = `was not heard for ${Math.round(one.silentMs / 1000)} s: start it, or see its log`;
    if (isAway(one)) return [{ ...of, message: `nameserver ${name} ${silent}${next}` }];
    if (!one.isRecovering) return [];
    return [
      { ...of, message: `nameserver ${name} takes in what it lost, and has no vote until then` },
    ];
  });
}

function deviceConcerns(input: ConcernsInput): Concern[] {
  const { placement, states } = input;
  const { map } = placement;
  if (map.devices.length === 0) {
    const message = "no dataserver has registered yet: nothing can be stored; start one";
    return [{ level: "degraded", kind: "device", of: "all", message }];
  }
  const byId = new Map(states.map((one) => [one.device, one]));
  const stands = standsAt(map);
  return map.devices.flatMap((device) => {
    const place = stands.get(device.device) ?? "nowhere";
    return deviceConcern(input, device, byId.get(device.device)?.state ?? "down", place);
  });
}

function deviceConcern(
  { placement, states, tally, isHeard, healing }: ConcernsInput,
  mapped: MappedDevice,
  state: DeviceStatus["state"],
  place: string,
): Concern[] {
  const { device, number, in: isIn } = mapped;
  const name = osdName(number);
  const count = tally.named.get(device) ?? 0;
  const has =
    count === 0
      ? "no block names it"
      : `${count} ${count === 1 ? "block names" : "blocks name"} it`;
  const say = (level: Concern["level"], words: string): Concern[] => [
    { level, kind: "device", of: name, message: `${name} at ${place} ${words}` },
  ];
  // What is out and empty is missed by nobody.
  if (!isIn && count === 0) return [];
  if (state === "down" && isIn && runsWithout(placement.map, states, mapped))
    return say(
      "degraded",
      `is down, though its dataserver runs: its folder was wiped, is another disk, or is missing in --data. If it is lost: \`quarry admin device out ${name}\` has what it held made anew at once; ${has}`,
    );
  if (state === "down")
    return say("degraded", `is down${isIn ? "" : " and out"}: start its dataserver; ${has}`);
  if (state === "failed")
    return say(
      "degraded",
      `takes no more writes after an error of its disk: see the log of its dataserver, and put it out (\`quarry admin device out ${name}\`); ${has}`,
    );
  if (!isHeard(device)) return say("unchecked", `has not told yet what it holds; ${has}`);
  const waiting = healing?.lackRoom?.find((one) => one.device === device)?.blocks ?? 0;
  if (waiting > 0) return say("degraded", noRoomWords(waiting));
  if (!isIn) return say("misplaced", `is out and still in use: ${has}`);
  if (state === "full")
    return say("degraded", "is full and takes no more: add devices, or delete something");
  return [];
}

function noRoomWords(blocks: number): string {
  const what = blocks === 1 ? "1 block that is" : `${blocks} blocks that are`;
  return `has no room for ${what} to be made whole or moved there: add devices beside it, or delete something; they are made when it has room, or belong elsewhere`;
}

/** Another device is served where this one was. */
function runsWithout(
  { dataservers, devices }: ClusterMap,
  states: readonly DeviceStatus[],
  { server }: MappedDevice,
): boolean {
  const address = dataservers.find((one) => one.server === server)?.address;
  const there = dataservers.flatMap((one) => (one.address === address ? [one.server] : []));
  const up = new Set(states.flatMap((one) => (one.state === "down" ? [] : [one.device])));
  return devices.some((one) => there.includes(one.server) && up.has(one.device));
}

function poolConcerns({ placement, tally, capacity }: ConcernsInput, pool: Pool): Concern[] {
  const { storageClasses, devices } = placement.map;
  const isNamed = storageClasses.some(({ small, large }) => small === pool.id || large === pool.id);
  const blocks = tally.uses.get(pool.id)?.blocks ?? 0;
  if ((!isNamed && blocks === 0) || devices.length === 0) return [];
  const { units, needed, groupsWithHoles } = spreadOf(placement, pool);
  const { k, m } = pool.scheme;
  const [one, many] = domainNames[pool.failureDomain];
  const lacking = needed - units.length;
  const of = { level: "degraded", kind: "pool", of: pool.name } as const;
  if (lacking > 0)
    return [
      {
        ...of,
        message: `pool ${pool.name} (${k}+${m}) needs ${needed} different ${many} and has ${units.length}: degraded, no place to heal; add ${lacking} ${lacking === 1 ? one : many}, or change the pool`,
      },
    ];
  if (groupsWithHoles > 0)
    return [
      {
        ...of,
        message: `CRUSH finds no place for a piece in ${groupsWithHoles} of ${pool.pgNum} placement groups of pool ${pool.name}: no place to heal; make its ${many} more equal in weight, or add a ${one}`,
      },
    ];
  const single = k === 1 && m === 0 ? singleConcerns(placement.map, pool) : [];
  return [...single, ...roomConcerns(capacity, pool, units)];
}

const COPIES = 3;

/** Its own wish, so it lowers nothing; but who made it may not know what it means. */
function singleConcerns(map: ClusterMap, { name, deviceClass }: Pool): Concern[] {
  const hosts = unitsOf(map, "host", deviceClass).length;
  if (hosts < 2) return [];
  const message = `pool ${name} keeps a single copy: a device that is lost takes what is on it along; \`quarry admin pool set ${name} --replicas ${Math.min(COPIES, hosts)} --domain host\` keeps more`;
  return [{ level: "healthy", kind: "pool", of: name, message }];
}

function roomConcerns(
  { pools, devices, keepsRepairRoom }: Capacity,
  pool: Pool,
  units: readonly Unit[],
): Concern[] {
  const room = pools.find((one) => one.pool === pool.id);
  if (room === undefined || room.usableBytes > 0) return [];
  const hasRoom = new Set(devices.flatMap(({ takes, device }) => (takes ? [device] : [])));
  const taking = units.filter((unit) => unit.devices.some(({ device }) => hasRoom.has(device)));
  const [, many] = domainNames[pool.failureDomain];
  if (taking.length > 0 && taking.length < pool.minMembers) {
    const message = `pool ${pool.name} takes nothing new: it writes to at least ${pool.minMembers} different ${many}, and ${taking.length} can take blocks now`;
    return [{ level: "degraded", kind: "room", of: pool.name, message }];
  }
  const kept = keepsRepairRoom && pool.scheme.m > 0 ? " beside the room that a repair needs" : "";
  const message = `pool ${pool.name} has no room left${kept}: add devices, or delete something`;
  return [{ level: "degraded", kind: "room", of: pool.name, message }];
}

function strangerConcerns({ count, some }: Strangers): Concern[] {
  if (count === 0) return [];
  const named = some.map(({ block, device }) => `${block} on ${device}`).join(", ");
  const words = `${count} ${count === 1 ? "block stands" : "blocks stand"} on devices and the metadata does not know ${count === 1 ? "it" : "them"} (${named}${count > some.length ? ", …" : ""})`;
  const advice = "they are left alone; if metadata was lost, see `quarry rescue`";
  return [{ level: "misplaced", kind: "blocks", of: "unknown", message: `${words}: ${advice}` }];
}

const HEX = 16;

function lossConcern({ block, lost, lostCount, unknownCount }: BlockLoss): Concern {
  const named = lost.slice(0, LOSSES_NAMED).map(({ needle, owner, object, pieces }) => {
    const blob =
      owner === undefined ? "whose, nobody can tell" : `blob ${owner.blob}, chunk ${owner.chunk}`;
    const whose = object === undefined ? blob : `s3://${object.bucket}/${object.key}, ${blob}`;
    return `${needle.toString(HEX).padStart(HEX, "0")} (${whose}; ${pieces} good)`;
  });
  const more = lostCount > named.length ? `, and ${lostCount - named.length} more` : "";
  const first =
    lostCount === 0 ? [] : [`too few pieces are left of needle ${named.join(", ")}${more}`];
  const rest = unknownCount === 0 ? [] : [`no member knows of ${unknownCount} that objects name`];
  const message = `block ${block}: ${[...first, ...rest].join("; ")}. A device that is gone may have them; what cannot come back is to be stored anew`;
  return { level: "lost", kind: "blocks", of: String(block), message };
}

function healingConcerns(healing: HealingProgress | undefined): Concern[] {
  if (healing === undefined) return [];
  const waiting = Object.values(healing.work).reduce((all, { waiting: some }) => all + some, 0);
  if (!healing.settings.paused || waiting === 0) return [];
  const message = `healing is paused, and ${waiting} blocks wait for it: \`quarry admin heal resume\``;
  return [{ level: "misplaced", kind: "healing", of: "pause", message }];
}
