import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { dump } from "./dump.ts";
import { compile } from "./text/compile.ts";
import { decompile } from "./text/decompile.ts";
import { undump } from "./undump.ts";

const folder = join(import.meta.dirname, "../test/vectors/crush/maps");
const names = readdirSync(folder).filter((name) => name.endsWith(".txt"));

test.each(names)("%s survives JSON whole", (name) => {
  const map = compile(readFileSync(join(folder, name), "utf8"));
  const again = undump(JSON.parse(JSON.stringify(dump(map))));
  expect(dump(again)).toEqual(dump(map));
  expect(decompile(again)).toBe(decompile(map));
});

test("text survives text, but for the digits that it does not show", () => {
  const map = compile(readFileSync(join(folder, "irregular-a.txt"), "utf8"));
  const items = (text: string) => text.replace(/^\t# weight .*\n/gm, "");
  const once = decompile(map);
  expect(items(decompile(compile(once)))).toBe(items(once));
});

describe("JSON that is no map", () => {
  const good = () => {
    const map = compile(readFileSync(join(folder, "hosts-straw2-5x3.txt"), "utf8"));
    return JSON.parse(JSON.stringify(dump(map)));
  };

  test.each([
    ["a list", () => []],
    ["no buckets", () => ({ ...good(), buckets: undefined })],
    ["an id twice", () => ({ ...good(), buckets: [...good().buckets, good().buckets[0]] })],
    [
      "a bucket in itself",
      () => {
        const map = good();
        map.buckets[0].items.push({ id: map.buckets[0].id, weight: 1, pos: 0 });
        return map;
      },
    ],
    [
      "an item that is not there",
      () => {
        const map = good();
        map.buckets[0].items.push({ id: -700, weight: 1, pos: 0 });
        return map;
      },
    ],
    [
      "choose_args that do not fit",
      () => ({ ...good(), choose_args: { 0: [{ bucket_id: -1, ids: [1] }] } }),
    ],
  ])("%s", (_, json) => {
    expect(() => undump(json())).toThrow(expect.objectContaining({ code: "InvalidArgument" }));
  });
});
