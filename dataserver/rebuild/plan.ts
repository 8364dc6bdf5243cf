/**
 * What a block that is made anew shall hold: every needle that a member has, unless some member knows
 * that it was removed. Columns, no object for any needle: there may be a million.
 */
import { INVENTORY_ROW_BYTES } from "../../rpc/healing-service.ts";
import { recordBytes } from "../record.ts";

/** Of one row of an inventory: id low, id high, length, offset / 8. */
const ROW_WORDS = INVENTORY_ROW_BYTES / 4;

export interface Plan {
  readonly count: number;
  /** Ascending. */
  readonly ids: BigUint64Array;
  /** The same in halves: low, high, low, … */
  readonly halves: Uint32Array;
  readonly lengths: Uint32Array;
  /** Bit s: source s has it. */
  readonly holders: Uint32Array;
  /** For each source: offset / 8 of the record in its file, where it has it. */
  readonly places: readonly Uint32Array[];
  /** Ascending. */
  readonly removed: BigUint64Array;
  /** Of the records of all needles. */
  readonly bytes: number;
}

/** One inventory for each source, whole, by id. A length that the first holder denies does not count. */
export function planFrom(inventories: readonly Buffer[]): Plan {
  const lists = inventories.map(wordsOf);
  const most = lists.reduce((sum, { length }) => sum + length / ROW_WORDS, 0);
  const ids = new BigUint64Array(most);
  const halves = new Uint32Array(ids.buffer);
  const lengths = new Uint32Array(most);
  const holders = new Uint32Array(most);
  const places = lists.map(() => new Uint32Array(most));
  const removed = new BigUint64Array(most);
  const at = new Uint32Array(lists.length);
  let count = 0;
  let gone = 0;
  let bytes = 0;
  for (let first = leastOf(lists, at); first >= 0; first = leastOf(lists, at)) {
    const low = wordAt(lists, at, first, 0);
    const high = wordAt(lists, at, first, 1);
    const lengthBytes = wordAt(lists, at, first, 2);
    let mask = 0;
    let isRemoved = false;
    for (let s = first; s < lists.length; s++) {
      if (!isAt(lists, at, s, low, high)) continue;
      const place = wordAt(lists, at, s, 3);
      if (place === 0) isRemoved = true;
      const column = places[s];
      if (column !== undefined && wordAt(lists, at, s, 2) === lengthBytes) {
        mask |= 1 << s;
        column[count] = place;
      }
      at[s] = (at[s] ?? 0) + ROW_WORDS;
    }
    // Written where the next one will stand: a removed one is only copied away.
    halves[2 * count] = low;
    halves[2 * count + 1] = high;
    if (isRemoved) {
      removed[gone++] = ids[count] ?? 0n;
      continue;
    }
    lengths[count] = lengthBytes;
    holders[count] = mask;
    bytes += recordBytes(lengthBytes);
    count++;
  }
  return { count, ids, halves, lengths, holders, places, removed: removed.slice(0, gone), bytes };
}

function wordsOf(inventory: Buffer): Uint32Array {
  const { buffer, byteOffset, byteLength } =
    inventory.byteOffset % 4 === 0 ? inventory : Uint8Array.from(inventory);
  return new Uint32Array(buffer, byteOffset, byteLength / 4);
}

type Lists = readonly Uint32Array[];

const wordAt = (lists: Lists, at: Uint32Array, list: number, word: number) =>
  lists[list]?.[(at[list] ?? 0) + word] ?? 0;

const isAt = (lists: Lists, at: Uint32Array, list: number, low: number, high: number) =>
  (at[list] ?? 0) < (lists[list]?.length ?? 0) &&
  wordAt(lists, at, list, 0) === low &&
  wordAt(lists, at, list, 1) === high;

/** The first list whose next row has the least id of all; -1 at the end. */
function leastOf(lists: Lists, at: Uint32Array): number {
  let least = -1;
  let low = 0;
  let high = 0;
  for (let s = 0; s < lists.length; s++) {
    if ((at[s] ?? 0) >= (lists[s]?.length ?? 0)) continue;
    const nextLow = wordAt(lists, at, s, 0);
    const nextHigh = wordAt(lists, at, s, 1);
    if (least >= 0 && (nextHigh > high || (nextHigh === high && nextLow >= low))) continue;
    least = s;
    low = nextLow;
    high = nextHigh;
  }
  return least;
}
