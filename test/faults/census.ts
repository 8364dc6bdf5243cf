/**
 * Who has what, asked of every dataserver and held against what the metadata say: the judgement of
 * whether a cluster is whole that does not believe its own word for it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../base/clock.ts";
import { hasCode } from "../../base/errors.ts";
import type { BlockId, DeviceId, ServerId } from "../../base/ids.ts";
import { systemRandom } from "../../base/random.ts";
import { parseAddress } from "../../rpc/address.ts";
import type { BlockService, BlockStatus } from "../../rpc/block-service.ts";
import { RpcClient } from "../../rpc/client.ts";
import type { ClusterMap } from "../../rpc/cluster-map.ts";
import { connect } from "../../rpc/connect.ts";
import type { NameService, OpenBlock } from "../../rpc/name-service.ts";
import { placementOf } from "../../rpc/placement.ts";
import { piecesOf } from "../../rpc/pool.ts";
import { blockTable } from "../../rpc/tables.ts";
import type { Cluster } from "../cluster.ts";

const PAGE = 1000;
const LOOK_MS = 500;

export interface CountedBlock {
  readonly block: BlockId;
  /** Undefined: the metadata do not know it. */
  readonly row: OpenBlock | undefined;
  readonly held: ReadonlyMap<DeviceId, BlockStatus>;
}

export interface Census {
  readonly map: ClusterMap;
  readonly blocks: readonly CountedBlock[];
  /** Devices that nobody could ask. */
  readonly away: readonly DeviceId[];
}

/** Asks all dataservers of the map, those that are down in vain. */
export async function takeCensus(cluster: Cluster): Promise<Census> {
  await using client = cluster.group.client();
  const { map, down } = await client.names.clusterMap(0);
  if (map === undefined) throw new Error("there is a map");
  await using lines = new Dataservers(cluster.group.secret, map);
  const held = new Map<BlockId, Map<DeviceId, BlockStatus>>();
  const away: DeviceId[] = [];
  for (const { device, server } of map.devices) {
    const found = down.includes(device) ? undefined : await listOf(lines.of(server), device);
    if (found === undefined) away.push(device);
    for (const status of found ?? []) {
      const one = held.get(status.block) ?? new Map<DeviceId, BlockStatus>();
      held.set(status.block, one.set(device, status));
    }
  }
  const blocks: CountedBlock[] = [];
  for (const [block, by] of held)
    blocks.push({ block, row: await rowOf(client.names, block), held: by });
  return { map, blocks, away };
}

/**
 * Waits until nothing is found twice. Blocks go on to other generations and places by themselves while a
 * census is taken, and look half changed in it: but then no two find the same of the same block.
 */
export async function untilWhole(
  cluster: Cluster,
  longestMs: number,
  say?: (line: string) => void,
  what: Parameters<typeof troublesIn>[1] = {},
): Promise<{ readonly census: Census; readonly troubles: readonly string[] }> {
  const untilMs = performance.now() + longestMs;
  let toldMs = performance.now();
  let before: readonly string[] | undefined;
  for (;;) {
    const census = await takeCensus(cluster);
    const found = troublesIn(census, what);
    const troubles = before === undefined ? found : lasting(before, found);
    before = found;
    if (troubles.length === 0 || performance.now() > untilMs) return { census, troubles };
    if (performance.now() - toldMs > 10_000) {
      toldMs = performance.now();
      say?.(`${troubles.length} places are not whole: ${troubles[0]}`);
    }
    await sleep(LOOK_MS);
  }
}

/** What both of two looks found. */
export function lasting(before: readonly string[], now: readonly string[]): string[] {
  const known = new Set(before);
  return now.filter((what) => known.has(what));
}

/** The way to each dataserver of a map. */
export class Dataservers implements AsyncDisposable {
  readonly #secret: Uint8Array;
  readonly #addresses: ReadonlyMap<ServerId, string>;
  readonly #lines = new Map<ServerId, RpcClient>();

  constructor(secret: Uint8Array, { dataservers }: ClusterMap) {
    this.#secret = secret;
    this.#addresses = new Map(dataservers.map(({ server, address }) => [server, address]));
  }

  of(server: ServerId): BlockService {
    const address = parseAddress(this.#addresses.get(server) ?? "");
    const line =
      this.#lines.get(server) ??
      new RpcClient({ address, secret: this.#secret, clock: systemClock, random: systemRandom });
    this.#lines.set(server, line);
    return connect(blockTable, line, { deadlineMs: 5_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const line of this.#lines.values()) line.close();
  }
}

async function listOf(service: BlockService, device: DeviceId): Promise<BlockStatus[] | undefined> {
  const all: BlockStatus[] = [];
  try {
    for (let after = 0; ; ) {
      const page = await service.blocks(device, after, PAGE);
      all.push(...page);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return all;
      after = last.block;
    }
  } catch (error) {
    if (hasCode(error, "Unavailable", "Timeout", "NoSuchDevice")) return undefined;
    throw error;
  }
}

async function rowOf(names: NameService, block: BlockId): Promise<OpenBlock | undefined> {
  try {
    return await names.locate(block);
  } catch (error) {
    if (hasCode(error, "NoSuchBlock")) return undefined;
    throw error;
  }
}

/** What is not as it should be, a line for each; none: every block is whole, and where it belongs. */
export function troublesIn({ map, blocks }: Census, { digests = true } = {}): string[] {
  const placement = placementOf(map);
  const troubles: string[] = [];
  for (const { block, row, held } of blocks) {
    const complain = (what: string) => troubles.push(`block ${block}: ${what}`);
    if (row === undefined) {
      for (const [device, { needles }] of held)
        if (needles > 0) complain(`${device} has ${needles} needles, and nobody knows it`);
      continue;
    }
    const { scheme, members } = row;
    if (members.length !== piecesOf(scheme)) complain(`has ${members.length} positions`);
    const belongs = placement.devicesOf(block, scheme);
    // While it is open its members stay where they are.
    const isOpen = [...held.values()].every(({ sealed }) => !sealed);
    for (const [position, device] of members.entries()) {
      const status = device === null ? undefined : held.get(device);
      if (device === null) complain(`nobody is at position ${position}`);
      else if (status === undefined)
        complain(`${device} at position ${position} has nothing of it`);
      else complainOf(status, row, position, complain);
      // Which piece is on which of the right devices is all the same: nothing is moved for that.
      const isHere = device === null || isOpen || belongs.includes(device);
      if (!isHere) complain(`${device} is at position ${position}, and does not belong to it`);
    }
    for (const device of held.keys())
      if (!members.includes(device)) complain(`${device} has it, and is no member`);
    // While a write is under way, or ended badly, members of a block differ until it has settled.
    const different = new Set([...held.values()].map(({ digest }) => digest)).size > 1;
    if (digests && different && [...held.values()].every(({ sealed }) => sealed))
      complain("its members have different needles");
  }
  return troubles;
}

function complainOf(
  { generation, piece, damage }: BlockStatus,
  row: OpenBlock,
  position: number,
  complain: (what: string) => void,
): void {
  if (generation !== row.generation)
    complain(`position ${position} has generation ${generation}, not ${row.generation}`);
  if (piece !== undefined && row.scheme.k > 1 && piece.piece !== position)
    complain(`position ${position} has piece ${piece.piece}`);
  if (damage.length > 0) complain(`position ${position} has ${damage.length} damaged places`);
}
