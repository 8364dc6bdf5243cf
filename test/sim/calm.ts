/**
 * What must have come of everything when nothing has gone wrong for a while: no work is left, every
 * block is whole and where it belongs, its members agree, and nothing stands anywhere that nobody needs.
 */
import { type BlobId, type BlockId, type DeviceId, FREE } from "../../base/ids.ts";
import { recordBytes } from "../../dataserver/record.ts";
import { layOut } from "../../dataserver/striped/layout.ts";
import { KeyReader, prefixEnd, prefixOf } from "../../nameserver/keyspace.ts";
import { readMap } from "../../nameserver/queries/cluster-map.ts";
import type { BlockRow } from "../../nameserver/rows.ts";
import { blockRows } from "../../nameserver/workers/block-rows.ts";
import type { ClusterMap } from "../../rpc/cluster-map.ts";
import { filled } from "../../rpc/name-service.ts";
import { placementOf } from "../../rpc/placement.ts";
import { layoutOf, WHOLE } from "../../rpc/pool.ts";
import type { Fids } from "./fids.ts";
import type { Machines } from "./machines.ts";
import { IMAGINED } from "./names.ts";
import type { Needles } from "./needles.ts";
import type { Oracle } from "./oracle.ts";
import { meantOf } from "./platters.ts";
import type { SimNode } from "./sim-node.ts";

export interface CalmOptions {
  readonly oracle: Oracle;
  readonly needles: Needles;
  readonly machines: Machines;
  readonly fids: Fids;
  readonly leader: SimNode | undefined;
}

/** So far ranges may be padded in any case. */
const WORTH = 1.15;
/** Until somebody has looked at it again. */
const COLD_LOOK_MS = 10_000;

export class Calm {
  readonly #of: CalmOptions;

  constructor(of: CalmOptions) {
    this.#of = of;
  }

  /** What somebody has still to do; undefined: nothing. */
  async leftToDo(): Promise<string | undefined> {
    const { store } = this.#of.oracle;
    for (const tag of ["collectQueue", "dropQueue", "pendingQueue", "dueQueue"] as const)
      if (store.count(prefixOf(tag), prefixEnd(prefixOf(tag))) > 0)
        return tag === "collectQueue" ? `${tag}: ${await this.#collecting()}` : tag;
    const map = await readMap(store);
    for await (const { block, row } of blockRows(store)) {
      if (IMAGINED.has(block) || row.state === "open") continue;
      const what = this.#unfinished(map, block, row);
      if (what !== undefined) return `block ${block}: ${what} (${JSON.stringify(row)})`;
    }
    return this.#surplus() ?? (await this.#unhealthy());
  }

  /** What the planner is stuck with. */
  stuck(): string {
    const { stuck = [] } = this.#of.leader?.survey?.healing() ?? {};
    return stuck
      .filter(({ block }) => !IMAGINED.has(block))
      .map(({ block, why }) => `${block}: ${why}`)
      .join("; ");
  }

  /** What the leader says of it, which sees as well by now. */
  async #unhealthy(): Promise<string | undefined> {
    const { survey } = this.#of.leader ?? {};
    const healing = survey?.healing();
    if (survey === undefined || healing === undefined) return "nobody leads";
    if (!healing.isKnown) return "the planner does not know everything";
    for (const [kind, { waiting, running }] of Object.entries(healing.work))
      if (kind !== "reconcile" && waiting + running > 0)
        return `the planner has ${waiting} + ${running} to ${kind}`;
    const stuck = this.stuck();
    if (stuck !== "") return `the planner is stuck: ${stuck}`;
    const { health } = await survey.look();
    const ill = health.atRisk.find(({ block }) => !IMAGINED.has(block));
    return ill && `health says of block ${ill.block}: ${ill.level} (${JSON.stringify(ill)})`;
  }

  /** Whose needles are to go, and from where. */
  async #collecting(): Promise<string> {
    const { oracle, needles, machines } = this.#of;
    const prefix = prefixOf("collectQueue");
    const rows: string[] = [];
    await using cursor = oracle.store.range(prefix, prefixEnd(prefix));
    for (const { key } of await cursor.next(3)) {
      const reader = new KeyReader(key);
      reader.u56();
      for (const { block } of needles.names.chunksOf(reader.u56() as BlobId)) {
        const row = needles.names.row(block);
        const away = filled(row?.members ?? []).filter((one) => machines.of(one)?.isUp !== true);
        rows.push(`${block} ${row?.state} ${row?.generation}, away: ${away.join()}`);
      }
    }
    return rows.join("; ");
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
    if (row.before !== undefined) return "its conversion has not ended";
    const { needles } = this.#of;
    const places = placementOf(map).devicesOf(block, row.scheme);
    let ids: string | undefined;
    for (const [position, device] of row.members.entries()) {
      if (device === null) {
        if (places[position] !== undefined) return `position ${position} is empty`;
        continue;
      }
      const standing = needles.platters.standingOf(device, block, meantOf(row));
      if (standing === undefined) return `${device} does not have it`;
      if (!standing.sealed) return `${device} takes appends`;
      if (needles.platters.allOf(device, block).length > 1) return `${device} has it twice`;
      for (const needle of standing.needles.values()) {
        if (!needle.isGood) return `needle ${needle.needle} is rotten on ${device}`;
        if (needle.blob !== FREE && !needles.names.isNamed(block, needle))
          return `needle ${needle.needle} on ${device} is nobody's`;
      }
      const here = [...standing.needles.keys()].sort().join();
      if (ids !== undefined && ids !== here) return `${device} has other needles`;
      ids = here;
    }
    if (this.#isLeft(map, block, row)) return "it has not the layout that its pool wants";
    // Pieces may stand in another order than CRUSH would have begun with: so fewer move.
    const isPlaced = filled(row.members).every((device) => places.includes(device));
    return isPlaced ? undefined : `CRUSH wants it on ${places.join()}`;
  }

  /** Striped, and nothing is to be any more; or whole, and its needles would fill ranges well enough. */
  #isLeft(map: ClusterMap, block: BlockId, row: BlockRow): boolean {
    const { needles } = this.#of;
    const { cold, scheme: usual = WHOLE } = map.pools.find(({ id }) => id === row.pool) ?? {};
    const { scheme = WHOLE, layout = layoutOf(scheme) } = row;
    // Of pieces: as they were written, or striped since their pool had another scheme in between.
    if (usual.k > 1) return scheme.k !== usual.k || scheme.m !== usual.m;
    if (layout === "split" || (cold === undefined && layout === "striped")) return true;
    const isCold = cold && (row.sealedMs ?? 0) + cold.afterMs + COLD_LOOK_MS < needles.names.timeMs;
    const [device] = filled(row.members);
    if (!isCold || row.layout === "striped" || device === undefined) return false;
    const held = needles.platters.standingOf(device, block, meantOf(row))?.needles.values() ?? [];
    const all = [...held].sort((a, b) => a.offset - b.offset);
    const ids = BigUint64Array.from(all, ({ needle }) => needle);
    const lengths = Uint32Array.from(all, ({ lengthBytes }) => lengthBytes);
    const order = Uint32Array.from(all, (_, i) => i);
    const { rangeBytes } = layOut({ count: all.length, ids, lengths, order }, cold.scheme.k);
    const bytes = lengths.reduce((sum, length) => sum + recordBytes(length), 0);
    return bytes > 0 && rangeBytes * cold.scheme.k <= bytes * WORTH;
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
