/**
 * What a block that is made anew shall hold: every needle that a member has, unless some member knows
 * that it was removed. Columns, no object for any needle: there may be a million.
 */
import type { NeedleId } from "../../base/ids.ts";
import { INVENTORY_ROW_BYTES } from "../../rpc/healing-service.ts";
import { recordBytes } from "../record.ts";

export interface Plan {
  readonly count: number;
  readonly ids: BigUint64Array;
  readonly lengths: Uint32Array;
  /** Bit s: source s has it. */
  readonly holders: Uint32Array;
  /** Rows in the order in which they stand in the files, as far as sources agree. */
  readonly order: Uint32Array;
  readonly removed: BigUint64Array;
  /** Of the records of all needles. */
  readonly bytes: number;
}

/** One inventory for each source, whole, by id. A length that the first holder denies does not count. */
export function planFrom(inventories: readonly Buffer[]): Plan {
  const most = inventories.reduce((sum, { length }) => sum + length / INVENTORY_ROW_BYTES, 0);
  const ids = new BigUint64Array(most);
  const lengths = new Uint32Array(most);
  const holders = new Uint32Array(most);
  const keys = new BigUint64Array(most);
  const removed = new BigUint64Array(most);
  let count = 0;
  let gone = 0;
  let bytes = 0;
  for (const { id, rows } of merged(inventories)) {
    if (rows.some(({ offset8 }) => offset8 === 0)) {
      removed[gone++] = id;
      continue;
    }
    const [first] = rows;
    if (first === undefined) continue;
    const { lengthBytes } = first;
    ids[count] = id;
    lengths[count] = lengthBytes;
    holders[count] = rows.reduce(
      (mask, row) => (row.lengthBytes === lengthBytes ? mask | (1 << row.source) : mask),
      0,
    );
    keys[count] = (BigInt(first.offset8) << 32n) | BigInt(count);
    bytes += recordBytes(lengthBytes);
    count++;
  }
  const order = Uint32Array.from(keys.subarray(0, count).sort(), (key) =>
    Number(key & 0xffffffffn),
  );
  return { count, ids, lengths, holders, order, removed: removed.slice(0, gone), bytes };
}

interface Row {
  readonly source: number;
  readonly lengthBytes: number;
  readonly offset8: number;
}

/** Every id once, with what the sources say of it. */
function* merged(
  inventories: readonly Buffer[],
): Generator<{ readonly id: NeedleId; readonly rows: readonly Row[] }> {
  const at = inventories.map(() => 0);
  const idAt = (source: number) => {
    const [inventory, offset = 0] = [inventories[source], at[source]];
    if (inventory === undefined || offset >= inventory.length) return undefined;
    return inventory.readBigUInt64LE(offset) as NeedleId;
  };
  const next = inventories.map((_, source) => idAt(source));
  for (;;) {
    let id: NeedleId | undefined;
    for (const one of next) if (one !== undefined && (id === undefined || one < id)) id = one;
    if (id === undefined) return;
    const rows: Row[] = [];
    for (const [source, inventory] of inventories.entries()) {
      if (next[source] !== id) continue;
      const offset = at[source] ?? 0;
      const lengthBytes = inventory.readUInt32LE(offset + 8);
      rows.push({ source, lengthBytes, offset8: inventory.readUInt32LE(offset + 12) });
      at[source] = offset + INVENTORY_ROW_BYTES;
      next[source] = idAt(source);
    }
    yield { id, rows };
  }
}

/** Rows of the plan, by `order`, in runs that fit into one answer of a source. */
export function* windows(plan: Plan, mostBytes: number, mostNeedles: number): Generator<number[]> {
  let window: number[] = [];
  let bytes = 0;
  for (const row of plan.order) {
    const next = recordBytes(plan.lengths[row] ?? 0);
    if (window.length > 0 && (bytes + next > mostBytes || window.length === mostNeedles)) {
      yield window;
      window = [];
      bytes = 0;
    }
    window.push(row);
    bytes += next;
  }
  if (window.length > 0) yield window;
}
