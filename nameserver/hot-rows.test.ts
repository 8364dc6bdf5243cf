import { expect, test } from "vitest";
import { limits } from "../base/limits.ts";
import { HotRows } from "./hot-rows.ts";
import { keys, type RowKey } from "./keyspace.ts";
import { encodeRow } from "./row-codec.ts";
import type { NameRow } from "./rows.ts";
import { MemoryState } from "./state-memory.ts";

function scene() {
  const state = new MemoryState();
  const counted = { reads: 0 };
  const hot = new HotRows({
    get: (key) => {
      counted.reads++;
      return state.get(key);
    },
  });
  const write = async (key: RowKey<NameRow>, row?: object) => {
    const keyBytes = Buffer.from(key, "latin1");
    const changes = [{ key, keyBytes, ...(row && { value: encodeRow(keyBytes, row) }) }];
    hot.changing(changes);
    hot.read(key);
    hot.read(key);
    await state.write(changes);
    // It is there, though nobody was told yet.
    for (const _ of [1, 2]) expect(hot.read(key)).toEqual(row);
    hot.changed();
  };
  return { hot, state, write, counted };
}

const key = keys.current(7, "a");
const row = (etag: string) => ({ seq: 1, ms: 2, length: 3, attributes: { etag } });

test("a row that is read again is kept until a batch changes it, and never told as it was before", async () => {
  const { hot, write, counted } = scene();
  expect(hot.read(key)).toBeUndefined();
  await write(key, row("one"));
  expect(hot.read(key)).toEqual(row("one"));
  const { reads } = counted;
  expect(hot.read(key)).toBe(hot.read(key));
  expect(counted.reads).toBe(reads);
  await write(key, row("two"));
  expect(hot.read(key)).toEqual(row("two"));
  await write(key);
  expect(hot.read(key)).toBeUndefined();
  await write(key, row("three"));
  hot.clear();
  expect(hot.read(key)).toEqual(row("three"));
});

test("what is read once is not kept", async () => {
  const { hot, state, counted } = scene();
  const keyBytes = Buffer.from(key, "latin1");
  await state.write([{ key, keyBytes, value: encodeRow(keyBytes, row("one")) }]);
  const first = hot.read(key);
  const second = hot.read(key);
  expect(second).not.toBe(first);
  expect(hot.read(key)).toBe(second);
  expect(counted.reads).toBe(2);
});

test("what is shared cannot be changed", async () => {
  const { hot, write } = scene();
  await write(key, { ...row("one"), attributes: { etag: "e", userMetadata: { a: "b" } } });
  hot.read(key);
  const attributes = hot.read(key)?.attributes;
  expect(() => Object.assign(attributes?.userMetadata ?? {}, { a: "c" })).toThrow(TypeError);
  expect(() => Object.assign(attributes ?? {}, { etag: "f" })).toThrow(TypeError);
});

test("those that came first leave first; large ones do not stay", async () => {
  const { hot, write, counted } = scene();
  const nth = (n: number) => keys.current(7, `n${n}`);
  for (let n = 0; n <= limits.hotRows; n++) {
    await write(nth(n), row("e"));
    hot.read(nth(n));
  }
  counted.reads = 0;
  hot.read(nth(limits.hotRows));
  hot.read(nth(1));
  expect(counted.reads).toBe(0);
  hot.read(nth(0));
  expect(counted.reads).toBe(1);
  await write(key, row("e".repeat(limits.hotRowBytes)));
  hot.read(key);
  hot.read(key);
  // The first four by the write itself.
  expect(counted.reads).toBe(7);
});
