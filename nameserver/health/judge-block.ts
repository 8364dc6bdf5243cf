/**
 * How endangered one block is: its row, and where CRUSH wants it, against what devices say they hold.
 * What was not heard counts neither as good nor as lost. Pure.
 */
import type { DeviceId } from "../../base/ids.ts";
import type { HealthLevel, PieceTrouble, TroubledPiece } from "../../rpc/health.ts";
import type { Places } from "../../rpc/placement.ts";
import { layoutOf, type Pool, type PoolScheme, piecesOf, WHOLE } from "../../rpc/pool.ts";
import { otherLayout } from "../block-scheme.ts";
import type { BlockRow } from "../rows.ts";
import type { Held } from "../stock/stock.ts";

/** How a device stands, for the blocks on it. */
export interface Standing {
  readonly state: "ok" | "full" | "failed" | "down";
  readonly in: boolean;
  /** All that it holds was told in this leader's term. */
  readonly isHeard: boolean;
}

export interface Judged {
  readonly row: BlockRow;
  /** Its row changed just now: what devices do not tell of it yet says nothing. */
  readonly isFresh: boolean;
  readonly holders: ReadonlyMap<DeviceId, Held>;
  /** Undefined: the map does not name it. */
  standing(device: DeviceId): Standing | undefined;
  /** Its pool as it is now; undefined when it was removed. */
  readonly pool: Pool | undefined;
  readonly desired: Places;
  /** Members that hold other needles than the rest: whether for so long that it is no delay. */
  readonly differing: ReadonlyMap<DeviceId, boolean>;
}

export interface Judgement {
  readonly level: HealthLevel;
  readonly goodPieces: number;
  readonly troubles: readonly TroubledPiece[];
}

/** What a trouble says of the piece. */
type Worth =
  /** Good, and to be read now. */
  | "good"
  /** To be read now, and not all of it, or not for long. */
  | "partly"
  /** Not to be read now; it may be good. */
  | "away"
  /** On a device that is up; what it is worth is not known yet. */
  | "unknown"
  | "none";

const worthOf: Readonly<Record<PieceTrouble, Worth>> = {
  "no place": "none",
  "no member": "none",
  "device gone": "none",
  "device down": "away",
  "device failed": "partly",
  missing: "none",
  stale: "none",
  damaged: "partly",
  "other needles": "partly",
  "other piece": "none",
  "not heard": "unknown",
  "not checked": "good",
  misplaced: "good",
  "other scheme": "good",
};

export function judgeBlock(of: Judged): Judgement {
  const { row, desired } = of;
  const scheme = row.scheme ?? WHOLE;
  const troubles: TroubledPiece[] = [];
  const counts: Record<Worth, number> = { good: 0, partly: 0, away: 0, unknown: 0, none: 0 };
  for (let piece = 0; piece < piecesOf(scheme); piece++) {
    const device = row.members[piece] ?? undefined;
    const why = troubleOf(of, scheme, piece, device);
    counts[why === undefined ? "good" : worthOf[why]]++;
    if (why !== undefined) troubles.push({ piece, why, ...(device && { device }) });
    // An open block stays where it was opened; where it belongs is asked when it takes no more.
    const isElsewhere = row.state !== "open" && device && !belongs(of, device);
    if (isElsewhere && why !== "device down" && why !== "device gone")
      troubles.push({ piece, why: "misplaced", device });
  }
  if (wantsOther(of, scheme)) troubles.push({ piece: 0, why: "other scheme" });
  const spareElsewhere = surplusPieces(of, scheme, troubles);
  const level = levelOf(scheme, counts, spareElsewhere, troubles);
  const hasPlace = (piece: number) => desired[piece] !== undefined;
  return {
    level,
    goodPieces: counts.good,
    troubles: troubles.map((one) =>
      one.why === "no member" && !hasPlace(one.piece) ? { ...one, why: "no place" } : one,
    ),
  };
}

function troubleOf(
  { row, isFresh, holders, standing, differing }: Judged,
  scheme: PoolScheme,
  piece: number,
  device: DeviceId | undefined,
): PieceTrouble | undefined {
  if (device === undefined) return "no member";
  const stands = standing(device);
  if (stands === undefined) return "device gone";
  const held = holders.get(device);
  // What is down says nothing: what it said last may be so no more.
  if (stands.state === "down") return "device down";
  if (!stands.isHeard) return "not heard";
  if (held === undefined) return isFresh ? "not heard" : "missing";
  if (held.generation !== row.generation) return isFresh ? "not heard" : "stale";
  if (isOther(held, row, scheme, piece)) return isFresh ? "not heard" : "other piece";
  if (held.damagedBytes > 0) return "damaged";
  if (stands.state === "failed") return "device failed";
  const differs = differing.get(device);
  if (differs !== undefined) return differs ? "other needles" : "not heard";
  return held.checkedMs === undefined ? "not checked" : undefined;
}

/** A whole copy may stand at any position; a device of the version before does not say. */
function isOther(
  { piece: is, layout }: Held,
  row: BlockRow,
  { k, m }: PoolScheme,
  piece: number,
): boolean {
  if (layout !== undefined && layout !== (row.layout ?? layoutOf({ k, m }))) return true;
  if (is === undefined || k === 1) return is !== undefined && is.scheme.k !== k;
  return is.piece !== piece || is.scheme.k !== k || is.scheme.m !== m;
}

function belongs({ desired, standing }: Judged, device: DeviceId): boolean {
  if (standing(device)?.in === false) return false;
  // Where there is no place, it stands as well here as anywhere. Pieces may stand in another order than
  // CRUSH would have begun with: the planner leaves them, so that the fewest bytes move.
  return desired.includes(device) || desired.includes(undefined);
}

/** Open blocks stay as they were opened until they are full. */
function wantsOther({ row, pool }: Judged, { k, m }: PoolScheme): boolean {
  if (pool === undefined || row.state === "open") return false;
  if (otherLayout(row, pool) !== undefined) return true;
  return k === 1 && pool.scheme.m !== m;
}

/** Good pieces that are missing at their members, and stand on devices that are none. */
function surplusPieces(
  { row, holders, standing }: Judged,
  scheme: PoolScheme,
  troubles: readonly TroubledPiece[],
): number {
  const lacking = new Set<number>();
  for (const { piece, why } of troubles) if (worthOf[why] === "none") lacking.add(piece);
  if (lacking.size === 0) return 0;
  let found = 0;
  for (const [device, held] of holders) {
    const stands = standing(device);
    if (stands === undefined || row.members.includes(device)) continue;
    if (held.generation !== row.generation || held.damagedBytes > 0) continue;
    const piece = scheme.k === 1 ? [...lacking][0] : held.piece?.piece;
    if (piece === undefined || !lacking.has(piece) || isOther(held, row, scheme, piece)) continue;
    lacking.delete(piece);
    found++;
  }
  return found;
}

function levelOf(
  scheme: PoolScheme,
  { good, partly, away, unknown }: Readonly<Record<Worth, number>>,
  elsewhere: number,
  troubles: readonly TroubledPiece[],
): HealthLevel {
  const { k, m } = scheme;
  const whole = good + away + unknown + elsewhere;
  // Harmed pieces may complete each other, if there is more than the one that would have to be whole.
  if (whole + partly < k || (partly > 0 && whole < k && whole + partly === k)) return "lost";
  const sure = good + unknown;
  if (sure + partly < k || (partly > 0 && sure < k && sure + partly === k)) return "unreadable";
  if (sure < k + m) return sure <= k ? "at risk" : "degraded";
  const has = (why: PieceTrouble) => troubles.some((one) => one.why === why);
  if (has("misplaced") || has("other scheme")) return "misplaced";
  return has("not checked") || has("not heard") ? "unchecked" : "healthy";
}
