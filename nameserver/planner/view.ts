/**
 * One block as the planner looks at it: its row, where CRUSH wants it now, and who holds what of it.
 * Pure; needs are told from it and nothing else.
 */
import type { BlockId, DeviceId } from "../../base/ids.ts";
import type { Places } from "../../rpc/placement.ts";
import type { BlockLayout, Pool, PoolScheme } from "../../rpc/pool.ts";
import { layoutOf, WHOLE } from "../../rpc/pool.ts";
import type { BlockRow } from "../rows.ts";
import type { Held } from "../stock/stock.ts";
import type { DeviceFacts, Devices } from "./devices.ts";

/**
 * `away`: it is down, and may come back. `unheard`: what it holds is not known yet. `ahead`: of a
 * generation that the metadata have not heard of. `lost`: it is out and down, or in no map.
 */
export type Condition =
  | "good"
  | "damaged"
  | "behind"
  | "ahead"
  | "absent"
  | "unheard"
  | "away"
  | "lost"
  | "hole";

export interface Member {
  readonly position: number;
  readonly device: DeviceId | null;
  readonly condition: Condition;
  readonly facts?: DeviceFacts;
  readonly held?: Held;
}

/** Who can hand out the piece of a position, in this generation. */
export interface Source {
  readonly piece: number;
  readonly device: DeviceId;
  readonly address: string;
  readonly held?: Held;
}

export interface BlockView {
  readonly block: BlockId;
  readonly row: BlockRow;
  readonly scheme: PoolScheme;
  readonly layout: BlockLayout;
  /** Undefined: it was removed. */
  readonly pool: Pool | undefined;
  /** Where CRUSH puts it now: of its scheme, for k = 1 with as many copies as its pool has now. */
  readonly wanted: Places;
  readonly members: readonly Member[];
  readonly holders: ReadonlyMap<DeviceId, Held>;
  readonly devices: Devices;
  readonly sources: readonly Source[];
  /** Good pieces that are up, above the k that are needed. Below 0 it cannot be read now. */
  readonly spare: number;
}

export interface ViewOptions
  extends Pick<BlockView, "block" | "row" | "pool" | "holders" | "devices"> {
  readonly placesOf: (block: BlockId, scheme: PoolScheme) => Places;
}

export function viewOf(options: ViewOptions): BlockView {
  const { block, row, pool, holders, devices, placesOf } = options;
  const { scheme = WHOLE } = row;
  const wantedScheme = scheme.k === 1 && pool?.scheme.k === 1 ? pool.scheme : scheme;
  const members = row.members.map((device, position) =>
    memberOf(options, scheme, device, position),
  );
  const sources = sourcesOf(options, scheme, members);
  const good = sources.filter(({ held }) => held?.damagedBytes === 0);
  const pieces = new Set(good.map(({ piece, device }) => (scheme.k === 1 ? device : piece)));
  return {
    ...{ block, row, scheme, pool, members, holders, devices, sources },
    layout: row.layout ?? layoutOf(scheme),
    wanted: placesOf(block, wantedScheme),
    spare: pieces.size - scheme.k,
  };
}

/** The facts of a device that can be asked. */
export const upFacts = (facts: DeviceFacts | undefined): DeviceFacts | undefined =>
  facts === undefined || facts.state === "down" ? undefined : facts;

/** With k = 1 every piece is the data itself, whatever its number was. */
export const isPiece = ({ k }: PoolScheme, held: Held, position: number): boolean =>
  k === 1 || held.piece === undefined || held.piece.piece === position;

function memberOf(
  { row, holders, devices }: ViewOptions,
  scheme: PoolScheme,
  device: DeviceId | null,
  position: number,
): Member {
  if (device === null) return { position, device, condition: "hole" };
  const facts = devices.get(device);
  const held = holders.get(device);
  const known = { position, device, ...(facts && { facts }), ...(held && { held }) };
  return { ...known, condition: conditionOf(row, scheme, position, facts, held) };
}

function conditionOf(
  { generation }: BlockRow,
  scheme: PoolScheme,
  position: number,
  facts: DeviceFacts | undefined,
  held: Held | undefined,
): Condition {
  if (facts === undefined) return "lost";
  if (upFacts(facts) === undefined) return facts.isIn ? "away" : "lost";
  if (!facts.isHeard) return "unheard";
  if (held === undefined || !isPiece(scheme, held, position)) return "absent";
  if (held.generation < generation) return "behind";
  if (held.generation > generation) return "ahead";
  return held.damagedBytes > 0 ? "damaged" : "good";
}

/** Members first, then who holds a piece though it is no member: a copy that was made or moved. */
function sourcesOf(
  { row, holders, devices }: ViewOptions,
  scheme: PoolScheme,
  members: readonly Member[],
): Source[] {
  const sources: Source[] = [];
  for (const { position, device, facts: known, held } of members) {
    const facts = upFacts(known);
    if (device === null || facts === undefined) continue;
    const isUseful =
      held === undefined
        ? !facts.isHeard
        : held.generation === row.generation && isPiece(scheme, held, position);
    const { address } = facts;
    if (isUseful) sources.push({ piece: position, device, address, ...(held && { held }) });
  }
  for (const [device, held] of holders) {
    const facts = upFacts(devices.get(device));
    if (row.members.includes(device) || facts === undefined) continue;
    const piece = held.piece?.piece ?? 0;
    const isPlaced = scheme.k === 1 || piece < row.members.length;
    if (held.generation === row.generation && isPlaced)
      sources.push({ piece, device, address: facts.address, held });
  }
  return sources;
}
