/**
 * What the members of one block say of each of its needles, from their inventories side by side. Pure:
 * pages of rows come in, needles of which they do not all say the same go out.
 */
import type { NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { BlockStatus } from "../../rpc/block-service.ts";
import { INVENTORY_ROW_BYTES } from "../../rpc/healing-service.ts";

/** What one member says, up to the same needle as the others. */
export interface Said {
  /** Rows of an `Inventory`. */
  readonly rows: Buffer;
  readonly damage: BlockStatus["damage"];
}

/** Numbers are those of who was asked. */
export interface Standing {
  readonly needle: NeedleId;
  readonly live: readonly number[];
  /** Of those: whose known damage touches it. */
  readonly harmed: readonly number[];
  /** Who knows that it was removed. */
  readonly removed: readonly number[];
  /** Who has never heard of it. */
  readonly absent: readonly number[];
}

export interface Compared {
  readonly differing: Standing[];
  /** All needles that somebody has, or knows to be removed. */
  readonly known: number;
}

/** Of needles up to `upTo` (absent: to the end). */
export function compare(said: readonly Said[], upTo: NeedleId | undefined): Compared {
  const differing: Standing[] = [];
  let known = 0;
  for (const { needle, found } of together(said, upTo)) {
    known++;
    const standing = standingOf(needle, found, said);
    if (
      standing.live.length > 0 &&
      (standing.live.length < said.length || standing.harmed.length > 0)
    )
      differing.push(standing);
  }
  return { differing, known };
}

interface Row {
  readonly lengthBytes: number;
  readonly offset: number;
}

function standingOf(
  needle: NeedleId,
  found: readonly (Row | undefined)[],
  said: readonly Said[],
): Standing {
  const live: number[] = [];
  const harmed: number[] = [];
  const removed: number[] = [];
  const absent: number[] = [];
  for (const [who, row] of found.entries()) {
    if (row === undefined) absent.push(who);
    else if (row.offset === 0) removed.push(who);
    else {
      live.push(who);
      if (isTouched(row, said[who]?.damage ?? [])) harmed.push(who);
    }
  }
  return { needle, live, harmed, removed, absent };
}

/** More than what stands around the data of a needle: it may harm the neighbour, too. */
const AROUND_BYTES = 128;

/** Rather too often than not: who says that a needle is lost asks its holders once more. */
function isTouched({ offset, lengthBytes }: Row, damage: BlockStatus["damage"]): boolean {
  const spans = Math.ceil(lengthBytes / limits.checksumSpanBytes);
  const end = offset + lengthBytes + AROUND_BYTES + spans * 4;
  return damage.some((one) => one.offset < end && offset < one.offset + one.lengthBytes);
}

/** Every id once, in order, with the row of each member. */
function* together(
  said: readonly Said[],
  upTo: NeedleId | undefined,
): Generator<{ readonly needle: NeedleId; readonly found: readonly (Row | undefined)[] }> {
  const at = said.map(() => 0);
  const idAt = (who: number): bigint | undefined => {
    const rows = said[who]?.rows;
    const offset = at[who] ?? 0;
    return rows === undefined || offset >= rows.length ? undefined : rows.readBigUInt64LE(offset);
  };
  const next = said.map((_, who) => idAt(who));
  for (;;) {
    let id: bigint | undefined;
    for (const one of next) if (one !== undefined && (id === undefined || one < id)) id = one;
    if (id === undefined || (upTo !== undefined && id > upTo)) return;
    const found: (Row | undefined)[] = [];
    for (const [who, { rows }] of said.entries()) {
      if (next[who] !== id) {
        found.push(undefined);
        continue;
      }
      const offset = at[who] ?? 0;
      found.push({
        lengthBytes: rows.readUInt32LE(offset + 8),
        offset: rows.readUInt32LE(offset + 12) * 8,
      });
      at[who] = offset + INVENTORY_ROW_BYTES;
      next[who] = idAt(who);
    }
    yield { needle: id as NeedleId, found };
  }
}
