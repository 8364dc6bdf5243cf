import { expect, test } from "vitest";
import type { BlobId, VersionSequence } from "../../base/ids.ts";
import { keys, type RowKey } from "../keyspace.ts";
import { encodeRow } from "../row-codec.ts";
import { MemoryState } from "../state-memory.ts";
import { OwnerSearch } from "./owner-names.ts";

const blob = (n: number) => n as BlobId;

test("objects of few slices and of many, and old versions, are found page by page", async () => {
  const state = new MemoryState();
  const put = async <Row>(key: RowKey<Row>, row: unknown) => {
    const keyBytes = Buffer.from(key, "latin1");
    await state.write([{ key, keyBytes, value: encodeRow(keyBytes, row) }]);
  };
  await put(keys.bucket("photos"), { id: 7 });
  const slices = (n: number) => [[blob(n), 0, 10]];
  for (let n = 0; n < 2_500; n++)
    await put(keys.current(7, `key${n}`), { slices: slices(10_000 + n) });
  await put(keys.current(7, "zebra"), { slices: slices(1) });
  await put(keys.current(7, "long"), { content: 3 });
  await put(keys.contentPage(3, 1), { start: 10, slices: slices(2) });
  await put(keys.version(7, "old", 5 as VersionSequence), { slices: slices(4) });
  const search = new OwnerSearch(state, [blob(1), blob(2), blob(4), blob(99)]);
  let steps = 0;
  while (await search.step()) steps++;
  expect(steps).toBeGreaterThan(3);
  expect([...search.found].sort(([a], [b]) => a - b)).toEqual([
    [1, { bucket: "photos", key: "zebra" }],
    [2, { bucket: "photos", key: "long" }],
    [4, { bucket: "photos", key: "old" }],
  ]);
});
