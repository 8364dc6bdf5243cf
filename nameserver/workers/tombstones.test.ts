import { expect, test } from "vitest";
import { keys, tags } from "../keyspace.ts";
import { Tombstones } from "./tombstones.ts";

const deletion = (name: string) => {
  const key = keys.current(1, name);
  return { key, keyBytes: Buffer.from(key, "latin1") };
};

function scene(bytes: number) {
  const compacted: string[] = [];
  let finish = () => {};
  const store = {
    approximateBytes: () => Promise.resolve(bytes),
    compact: (from: string, to: string) => {
      compacted.push(`${from} ${to}`);
      return new Promise<void>((resolve) => {
        finish = resolve;
      });
    },
  };
  return { compacted, finish: () => finish(), tombstones: new Tombstones(store, () => {}) };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));
const deletions = (count: number) => Array.from({ length: count }, (_, i) => deletion(`k${i}`));

test("mass deletion compacts the range it touched, and what came meanwhile", async () => {
  const { compacted, finish, tombstones } = scene(1_000_000);
  tombstones.saw(deletions(5_000));
  await turn();
  expect(compacted).toEqual([`${keys.current(1, "k0")} ${keys.current(1, "k999")}\0`]);
  tombstones.saw(deletions(7_000));
  await turn();
  expect(compacted).toHaveLength(1);
  finish();
  await turn();
  expect(compacted).toHaveLength(2);
});

test("few deletions in a large range, and writes, compact nothing", async () => {
  const { compacted, tombstones } = scene(10_000_000);
  tombstones.saw(deletions(20_000));
  tombstones.saw(deletions(5_000).map((one) => ({ ...one, value: Buffer.from("x") })));
  tombstones.saw(deletions(99_999).map((one) => ({ ...one, key: tags.blob })));
  await turn();
  expect(compacted).toEqual([]);
});
