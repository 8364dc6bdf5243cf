/**
 * What must have come of everything when nothing has gone wrong for a while: no work is left, every
 * block is whole and where it belongs, its members agree, and nothing stands anywhere that nobody needs.
 */
import { type BlockId, type DeviceId, FREE } from "../../base/ids.ts";
import { prefixEnd, prefixOf } from "../../nameserver/keyspace.ts";
import { readMap } from "../../nameserver/queries/cluster-map.ts";
import type { BlockRow } from "../../nameserver/rows.ts";
import { blockRows } from "../../nameserver/workers/block-rows.ts";
import type { ClusterMap } from "../../rpc/cluster-map.ts";
import { filled } from "../../rpc/name-service.ts";
import { placementOf } from "../../rpc/placement.ts";
import type { Fids } from "./fids.ts";
import type { Machines } from "./machines.ts";
import { IMAGINED } from "./names.ts";
import type { Needles } from "./needles.ts";
import type { Oracle } from "./oracle.ts";

/** Whether somebody makes blocks whole again and moves them. */
export const HEALS: boolean = false;

export interface CalmOptions {
  readonly oracle: Oracle;
  readonly needles: Needles;
  readonly machines: Machines;
  readonly fids: Fids;
}

export class Calm {
  readonly #of: CalmOptions;

  constructor(of: CalmOptions) {
    this.#of = of;
  }

  /** What somebody has still to do; undefined: nothing. */
  async leftToDo(): Promise<string | undefined> {
    const { store } = this.#of.oracle;
    for (const tag of ["collectQueue", "dropQueue", "pendingQueue", "dueQueue"] as const)
      if (store.count(prefixOf(tag), prefixEnd(prefixOf(tag))) > 0) return tag;
    const map = await readMap(store);
    for await (const { block, row } of blockRows(store)) {
      if (IMAGINED.has(block) || row.state === "open") continue;
      const what = this.#unfinished(map, block, row);
      if (what !== undefined) return `block ${block}: ${what} (${JSON.stringify(row)})`;
    }
    return HEALS ? this.#surplus() : undefined;
  }

  check(): void {
    const { needles, fids } = this.#of;
    needles.checkAll();
    for (const { block, needle } of fids.gone)
      for (const device of filled(needles.names.row(block)?.members ?? []))
        for (const standing of needles.platters.allOf(device, block))
          if (standing.needles.has(needle))
            this.#wrong(`needle ${needle} of block ${block}, which was removed, is on ${device}`);
  }

  #unfinished(map: ClusterMap, block: BlockId, row: BlockRow): string | undefined {
    if (row.swept !== true) return "it is not swept";
    const { needles } = this.#of;
    const places = placementOf(map).devicesOf(block, row.scheme);
    let ids: string | undefined;
    for (const [position, device] of row.members.entries()) {
      if (device === null) {
        if (HEALS && places[position] !== undefined) return `position ${position} is empty`;
        continue;
      }
      const standing = needles.platters.standingOf(device, block, row.generation);
      if (standing === undefined) return `${device} does not have it`;
      if (!standing.sealed) return `${device} takes appends`;
      if (needles.platters.allOf(device, block).length > 1) return `${device} has it twice`;
      for (const needle of standing.needles.values()) {
        if (!needle.isGood) return `needle ${needle.needle} is rotten on ${device}`;
        if (needle.blob !== FREE && !needles.names.isNamed(block, needle))
          return `needle ${needle.needle} on ${device} is nobody's`;
      }
      if (!HEALS) continue;
      const here = [...standing.needles.keys()].sort().join();
      if (ids !== undefined && ids !== here) return `${device} has other needles`;
      ids = here;
    }
    if (!HEALS) return undefined;
    const isPlaced = row.members.every((device, i) => isAt(device, i, row, places));
    return isPlaced ? undefined : `CRUSH wants it on ${places.join()}`;
  }

  /** Blocks on devices that are no members of them. */
  #surplus(): string | undefined {
    const { needles, machines } = this.#of;
    for (const server of machines.servers)
      for (const drive of server.isUp ? server.drives : [])
        for (const { block, generation, needles: held } of needles.platters.blocksOf(drive)) {
          const row = needles.names.row(block);
          // Made by a leader that died: the next one takes it away when it takes stock.
          if (row === undefined && held.size === 0) continue;
          if (row?.members.includes(drive.device as DeviceId) === true) continue;
          return `${drive.device} holds block ${block}.${generation}, which is not its`;
        }
    return undefined;
  }

  #wrong(what: string): void {
    this.#of.oracle.violated(what);
  }
}

/** Copies may stand in any order. */
function isAt(
  device: DeviceId | null,
  position: number,
  { scheme }: BlockRow,
  places: readonly (DeviceId | undefined)[],
): boolean {
  if (device === null) return true;
  return (scheme?.k ?? 1) === 1 ? places.includes(device) : places[position] === device;
}
