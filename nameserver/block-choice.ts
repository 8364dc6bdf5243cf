/**
 * Where the next block of a pool is opened: in a placement group all of whose devices take blocks;
 * if there is none, in one with the fewest holes. Groups with few blocks come first, so that blocks
 * fall on devices as CRUSH shares them out; among those, groups of devices with few open blocks.
 */
import type { DeviceId } from "../base/ids.ts";
import type { DeviceStatus } from "../rpc/block-service.ts";
import type { ClusterMap } from "../rpc/cluster-map.ts";
import { type BlockMembers, filled, type OpenBlock } from "../rpc/name-service.ts";
import { type Placement, placementOf } from "../rpc/placement.ts";
import { type Pool, type PoolScheme, piecesOf } from "../rpc/pool.ts";
import { slowDevices } from "../rpc/slow-devices.ts";

export interface Candidate {
  readonly pg: number;
  readonly members: BlockMembers;
}

interface Known {
  readonly pool: Pool;
  readonly takes: ReadonlySet<DeviceId>;
  readonly candidates: readonly Candidate[];
}

/** By pool, what was found last: a pool may have very many groups, and is asked for every second. */
const known = new WeakMap<Placement, Map<number, Known>>();

/** The placement groups with the most members that take blocks; none when these are too few. */
export function candidatesOf(
  placement: Placement,
  pool: Pool,
  takes: ReadonlySet<DeviceId>,
): readonly Candidate[] {
  const pools = known.get(placement) ?? new Map<number, Known>();
  known.set(placement, pools);
  const last = pools.get(pool.id);
  if (last?.pool === pool && last.takes.symmetricDifference(takes).size === 0)
    return last.candidates;
  const candidates = findCandidates(placement, pool, takes);
  pools.set(pool.id, { pool, takes: new Set(takes), candidates });
  return candidates;
}

function findCandidates(
  placement: Placement,
  pool: Pool,
  takes: ReadonlySet<DeviceId>,
): Candidate[] {
  const all = Array.from({ length: pool.pgNum }, (_, pg): Candidate => {
    const devices = placement.devicesOfPg(pool, pg);
    const members = devices.map((one) => (one !== undefined && takes.has(one) ? one : null));
    return { pg, members };
  });
  const most = mostMembers(all);
  if (most < pool.minMembers) return [];
  return all.filter(({ members }) => filled(members).length === most);
}

/**
 * Devices that new blocks are opened on: without those that are slow or to be avoided, as long as the
 * blocks have all their members then; without those that come and go, as long as they have enough.
 */
export function takersOf(
  placement: Placement,
  pool: Pool,
  devices: readonly DeviceStatus[],
  avoid: readonly DeviceId[] = [],
): Set<DeviceId> {
  const ok = devices.filter(({ state }) => state === "ok");
  const most = (of: readonly DeviceStatus[]) =>
    mostMembers(candidatesOf(placement, pool, idsOf(of)));
  const steady = ok.filter(({ unsteadyMs = 0 }) => unsteadyMs === 0);
  const isEnough = steady.length === ok.length || most(steady) >= pool.minMembers;
  const trusted = isEnough ? steady : ok;
  const slow = new Set([...slowDevices(devices).keys(), ...avoid]);
  const quick = trusted.filter(({ device }) => !slow.has(device));
  if (quick.length === trusted.length) return idsOf(trusted);
  const wanted = Math.min(piecesOf(pool.scheme), most(trusted));
  return idsOf(wanted > 0 && most(quick) >= wanted ? quick : trusted);
}

const idsOf = (devices: readonly DeviceStatus[]) => new Set(devices.map(({ device }) => device));

export function mostMembers(candidates: readonly Candidate[]): number {
  return candidates.reduce((most, { members }) => Math.max(most, filled(members).length), 0);
}

interface Spread {
  readonly devices: number;
  readonly most: number;
}

const spreads = new WeakMap<readonly Candidate[], Spread>();

/** How many open blocks a pool has, so that each device is in about so many. */
export function wantedBlocks(candidates: readonly Candidate[], perDevice: number): number {
  let spread = spreads.get(candidates);
  if (spread === undefined) {
    const devices = new Set(candidates.flatMap(({ members }) => filled(members)));
    spread = { devices: devices.size, most: Math.max(1, mostMembers(candidates)) };
    spreads.set(candidates, spread);
  }
  return Math.ceil((spread.devices * perDevice) / spread.most);
}

export interface Load {
  /** Blocks that a placement group has. */
  blocks(pg: number): number;
  /** Open blocks of the pool that a device is in. */
  open(device: DeviceId): number;
  /** More than this is too many while others have fewer. */
  readonly mostOpen: number;
}

/** @param blocks as in {@link Load}. */
export function loadOf(here: readonly OpenBlock[], blocks: Load["blocks"], mostOpen: number): Load {
  const open = new Map<DeviceId, number>();
  for (const { members } of here)
    for (const device of filled(members)) open.set(device, (open.get(device) ?? 0) + 1);
  return { blocks, open: (device) => open.get(device) ?? 0, mostOpen };
}

/** @param turn With which of the equally good ones to begin. */
export function choose(
  candidates: readonly Candidate[],
  load: Load,
  turn: number,
): Candidate | undefined {
  let best: Candidate | undefined;
  let bestRank: readonly number[] = [];
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[(turn + i) % candidates.length];
    if (candidate === undefined) continue;
    const blocks = load.blocks(candidate.pg);
    // With more blocks it is no better than one that is not crowded.
    if (bestRank[0] === 0 && blocks > (bestRank[1] ?? 0)) continue;
    const open = filled(candidate.members).map((device) => load.open(device));
    const isCrowded = open.some((count) => count >= load.mostOpen) ? 1 : 0;
    const sum = open.reduce((a, b) => a + b, 0);
    const rank = [isCrowded, blocks, sum];
    if (best !== undefined && !isLess(rank, bestRank)) continue;
    best = candidate;
    bestRank = rank;
  }
  return best;
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((one, i) => one !== b[i]);
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}

const schemeName = ({ k, m }: PoolScheme) => `${k}+${m}`;

/**
 * Which open blocks have a member that takes no more, and will not soon, or another scheme than their
 * pool has by now, or a hole that need not be: what is left of them is sealing. Only sealed ones can be
 * given the members that they lack.
 */
export function endedIn(
  map: ClusterMap,
  devices: readonly DeviceStatus[],
): (block: OpenBlock) => boolean {
  const ended = new Set(map.devices.filter((one) => !one.in).map(({ device }) => device));
  for (const { device, state } of devices)
    if (state === "full" || state === "failed") ended.add(device);
  const schemes = new Map(map.pools.map(({ id, scheme }) => [id, schemeName(scheme)]));
  const takes = idsOf(
    devices.filter(({ state, unsteadyMs = 0 }) => state === "ok" && unsteadyMs === 0),
  );
  const couldBeWhole = ({ block, scheme }: OpenBlock) =>
    placementOf(map)
      .devicesOf(block, scheme)
      .every((device) => device !== undefined && takes.has(device));
  return (open) =>
    filled(open.members).some((member) => ended.has(member)) ||
    schemes.get(open.pool) !== schemeName(open.scheme) ||
    (open.members.includes(null) && couldBeWhole(open));
}

/** Those with members that are well; of these the ones that are quick and steady, if there are any. */
export function handedOut(
  blocks: readonly OpenBlock[],
  devices: readonly DeviceStatus[],
): OpenBlock[] {
  const slow = slowDevices(devices);
  const ok = devices.filter(({ state }) => state === "ok");
  const good = ok.filter(({ device, unsteadyMs = 0 }) => unsteadyMs === 0 && !slow.has(device));
  // Without members it has nobody who would take anything.
  const on = (takes: ReadonlySet<DeviceId>) =>
    blocks.filter(({ members }) => {
      const there = filled(members);
      return there.length > 0 && there.every((one) => takes.has(one));
    });
  const best = on(idsOf(good));
  return best.length > 0 ? best : on(idsOf(ok));
}
