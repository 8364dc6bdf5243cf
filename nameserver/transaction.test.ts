import { expect, test } from "vitest";
import { limits } from "../base/limits.ts";
import { seededRandom } from "../base/random.ts";
import { type Key, type RowKey, tags } from "./keyspace.ts";
import { MemoryState } from "./state-memory.ts";
import { Transaction } from "./transaction.ts";

type Row = { readonly n: number };
/** Of kinds that are kept decoded, and of others. */
const keys = [tags.bucket, tags.block, tags.current, tags.blob].flatMap((tag) =>
  Array.from({ length: 5 }, (_, i) => `${tag}${i}` as RowKey<Row>),
);

/** Commands against a plain map; refused ones leave nothing. */
test.each(Array.from({ length: 30 }, (_, i) => i))(
  "reads what was written, seed %i",
  async (seed) => {
    const random = seededRandom(seed);
    const any = (count: number) => random.u32() % count;
    const store = new MemoryState();
    const transaction = new Transaction(store);
    let kept = new Map<Key, Row>();
    let digest = { a: 0, b: 0 };
    for (let run = 0; run < 20; run++) {
      for (let command = any(6); command > 0; command--) {
        const now = new Map(kept);
        for (let step = any(8); step > 0; step--) {
          const key = keys[any(keys.length)] ?? ("" as RowKey<Row>);
          const what = any(4);
          if (what === 0) {
            transaction.delete(key);
            now.delete(key);
          } else if (what === 1) {
            const row = { n: any(1000) };
            transaction.put(key, row);
            now.set(key, row);
          } else expect(transaction.get(key)).toEqual(now.get(key));
        }
        const tag = any(2) === 0 ? tags.bucket : tags.blob;
        const first = [...now.keys()].filter((key) => key.startsWith(tag)).sort()[0];
        expect((await transaction.first(tag))?.key).toBe(first);
        for (const [key, { row, written }] of transaction.cells) {
          expect(row).toEqual(now.get(key));
          if (written) expect(transaction.before(key)).toEqual(kept.get(key));
          else expect(now.get(key)).toEqual(kept.get(key));
        }
        if (any(3) === 0) transaction.refuse();
        else {
          transaction.accept();
          kept = now;
        }
      }
      const finished = transaction.finish(digest);
      digest = finished.digest;
      await store.write(finished.changes);
      for (const key of keys) expect(store.get(key) === undefined).toBe(!kept.has(key));
    }
    // The digest is that of the rows, however they came about.
    const afresh = new Transaction(new MemoryState());
    for (const [key, row] of kept) afresh.put(key as RowKey<Row>, row);
    afresh.accept();
    expect(afresh.finish({ a: 0, b: 0 }).digest).toEqual(digest);
  },
);

test("a command touches a bounded number of keys", async () => {
  const store = new MemoryState();
  const transaction = new Transaction(store);
  const key = (i: number) => `${tags.blob}${i}` as RowKey<Row>;
  transaction.put(key(-2), { n: 7 });
  transaction.accept();
  await store.write(transaction.finish({ a: 0, b: 0 }).changes);
  for (let i = 0; i < limits.commandKeys; i++) transaction.put(key(i), { n: i });
  transaction.put(key(0), { n: 1 });
  expect(() => transaction.get(key(-1))).toThrow(/at most/);
  expect(() => transaction.put(key(-2), { n: 0 })).toThrow(/at most/);
  transaction.refuse();
  // What could not be written any more was not touched.
  expect(transaction.get(key(-2))).toEqual({ n: 7 });
});
