import { expect, test } from "vitest";
import type { BlockId, DeviceId, Term } from "../../base/ids.ts";
import type { BlockStatus } from "../../rpc/block-service.ts";
import { Stock } from "./stock.ts";

const a = "a" as DeviceId;
const b = "b" as DeviceId;
const id = (n: number) => n as BlockId;
const term = (n: number) => n as Term;

function status(block: number, more: Partial<BlockStatus> = {}): BlockStatus {
  return {
    ...{ block: id(block), generation: 1, sealed: true, needles: 1, liveBytes: 8, fileBytes: 72 },
    ...{ digest: 1n, damage: [], ...more },
  };
}

function report(era: number, upTo: number, blocks: BlockStatus[], more: { gone?: number[] } = {}) {
  const gone = (more.gone ?? []).map(id);
  return { blocks, gone, upTo: { era, number: upTo }, more: false };
}

test("what is not there tells something only when a device was heard to the end in this term", () => {
  const stock = new Stock();
  stock.begin(term(1));
  expect(stock.of(a)).toBeUndefined();
  stock.told(a, { ...report(7, 2, [status(1), status(2)]), more: true });
  stock.heard(a, { era: 7, number: 3 });
  expect(stock.of(a)).toBeUndefined();
  stock.told(a, report(7, 3, [status(3)]));
  stock.heard(a, { era: 7, number: 4 });
  expect(stock.of(a)).toBeUndefined();
  stock.heard(a, { era: 7, number: 3 });
  expect([...(stock.of(a)?.keys() ?? [])]).toEqual([1, 2, 3]);
  stock.begin(term(2));
  expect(stock.of(a)).toBeUndefined();
  // What it had is remembered: it may well have it still.
  expect(stock.holders(id(3)).size).toBe(1);
  expect([...stock.takeChanged()]).toEqual([1, 2, 3]);
  stock.heard(a, { era: 7, number: 3 });
  expect(stock.of(a)?.size).toBe(3);
  expect([...stock.takeChanged()]).toEqual([1, 2, 3]);
});

test("a device that started anew has what it names now; the rest is gone when it was heard to the end", () => {
  const stock = new Stock();
  stock.begin(term(1));
  stock.told(a, report(7, 2, [status(1), status(2)]));
  stock.heard(a, { era: 7, number: 2 });
  stock.told(b, report(9, 1, [status(2)]));
  stock.takeChanged();
  stock.told(a, { ...report(8, 1, [status(2, { generation: 2 })]), more: true });
  expect(stock.of(a)).toBeUndefined();
  expect([...stock.holders(id(1)).keys()]).toEqual([a]);
  expect([...stock.takeChanged()]).toEqual([]);
  stock.told(a, report(8, 2, [status(5)]));
  stock.heard(a, { era: 8, number: 2 });
  expect([...stock.holders(id(1)).keys()]).toEqual([]);
  const generations = [...stock.holders(id(2))].map(([device, held]) => [device, held.generation]);
  expect(generations).toEqual([
    [a, 2],
    [b, 1],
  ]);
  expect([...stock.takeChanged()]).toEqual([1, 2, 5]);
});

test("one that starts anew while it is heard begins anew", () => {
  const stock = new Stock();
  stock.begin(term(1));
  stock.told(a, { ...report(7, 1, [status(1)]), more: true });
  stock.told(a, { ...report(8, 1, [status(2)]), more: false });
  expect(stock.holders(id(1)).size).toBe(0);
  expect(stock.holders(id(2)).size).toBe(1);
});

test("what goes, and devices that the map names no more, are forgotten", () => {
  const stock = new Stock();
  stock.begin(term(1));
  stock.told(a, report(7, 2, [status(1), status(2, { damage: [{ offset: 0, lengthBytes: 9 }] })]));
  expect(stock.holders(id(2)).get(a)?.damagedBytes).toBe(9);
  stock.told(a, report(7, 3, [], { gone: [2] }));
  expect(stock.holders(id(2)).size).toBe(0);
  stock.forget(a);
  expect(stock.holders(id(1)).size).toBe(0);
  expect(stock.markOf(a)).toEqual({ era: 0, number: 0 });
});
