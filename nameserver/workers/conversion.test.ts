/** When stripes are worth being written anew. */
import { expect, test } from "vitest";
import { firstPool, type Pool } from "../../rpc/pool.ts";
import type { BlockRow } from "../rows.ts";
import type { Held } from "../stock/stock.ts";
import { wantedOf } from "./conversion.ts";

const scheme = { k: 4, m: 2 };
const pool: Pool = {
  ...firstPool,
  scheme: { k: 1, m: 2 },
  cold: { scheme, afterMs: 0 },
};
const row: BlockRow = {
  ...{ state: "settled", generation: 2, pool: 0, scheme, layout: "striped", swept: true },
  ...{ members: [], openedMs: 0, sealedMs: 0 },
};
const GARBAGE_SHARE = 0.3;

/** What a member tells of a block just encoded: `n` needles with records of so many bytes, `most` a range. */
function encoded(n: number, recordBytes: number, most: number): Held {
  const tables = n * 32 + 3 * 4;
  const fileBytes = Math.ceil((64 + most * recordBytes + tables + 4) / 8) * 8;
  const told = { needles: n, liveBytes: n * recordBytes, fileBytes };
  return { ...told, generation: 2, sealed: true, digest: 1n, damagedBytes: 0 };
}

test("stripes that were just made are not made again, however little is in them", () => {
  for (const recordBytes of [56, 64, 160, 4_096])
    for (let most = 1; most < 40; most++)
      for (let n = 4 * most; n * 1.25 >= 4 * most; n--) {
        const held = encoded(n, recordBytes, most);
        expect(wantedOf(row, pool, 1, held, GARBAGE_SHARE), `${n} of ${recordBytes}`).toBe(
          undefined,
        );
      }
});

test("they are when much of them was removed", () => {
  const held = encoded(400, 160, 100);
  const left = { ...held, needles: 200, liveBytes: 200 * 160 };
  expect(wantedOf(row, pool, 1, left, GARBAGE_SHARE)).toEqual({ layout: "striped", scheme });
});
