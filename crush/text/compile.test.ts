/** Corners of the text format that the recorded maps do not reach; crushtool agrees with each. */
import { expect, test } from "vitest";
import { dump } from "../dump.ts";
import { undump } from "../undump.ts";
import { compile } from "./compile.ts";
import { decompile } from "./decompile.ts";

const head = "device 0 osd.0 class ssd\ndevice 1 osd.1\ntype 0 osd\ntype 1 host\ntype 2 root\n";
const host = (name: string, item: string, more = "") =>
  `host ${name} {\n ${more}\n alg straw2\n item ${item}\n}\n`;
const root = "root r {\n alg straw2\n item a\n item b\n}\n";
const rule = (name: string, take: string) =>
  `rule ${name} {\n id 0\n type replicated\n min_size 1\n max_size 3\n step take ${take}\n step emit\n}\n`;

test("blanks are needed only where words would run together", () => {
  const squeezed = `device0 osd.0 device 1 osd.1 type0osd type1host # comment {\nhost a{alg straw2 hash0 item osd.0weight weight1.5}`;
  expect(() => compile(squeezed)).toThrow(/no device or bucket osd.0weight/);
  const map = compile(squeezed.replace("osd.0weight ", "osd.0 "));
  expect(map.buckets.get(-1)?.items).toEqual([{ id: 0, weight: 98304 }]);
});

test("a bucket may stand after its user, one level deep", () => {
  const map = compile(head + host("b", "osd.1") + root + host("a", "osd.0"));
  expect([...map.buckets.values()].map(({ name }) => name)).toEqual(["b", "a", "r"]);
  expect(() => compile(head + root + host("a", "osd.0") + host("b", "osd.1"))).toThrow(
    /r: there is no/,
  );
});

test("ids that the text gives later are not handed out", () => {
  const map = compile(head + host("a", "osd.0") + host("b", "osd.1", "id -1"));
  expect([...map.buckets.keys()]).toEqual([-2, -1]);
});

test("shadows take ids after all buckets, children first", () => {
  const text = head + host("a", "osd.0") + host("b", "osd.1") + root;
  const map = compile(text + rule("x", "r class ssd"));
  const shadows = [...map.buckets.values()].filter(({ shadow }) => shadow !== undefined);
  expect(shadows.map(({ id, name }) => [id, name])).toEqual([
    [-4, "a~ssd"],
    [-5, "b~ssd"],
    [-6, "r~ssd"],
  ]);
  expect(compile(text).buckets.size).toBe(3);
  expect(() => compile(text + rule("x", "r class hdd"))).toThrow(/no device is of class hdd/);
});

test("a nameless rule stays nameless", () => {
  const map = compile(head + host("a", "osd.0") + rule("", "a"));
  expect(map.rules.get(0)?.name).toBeUndefined();
  expect(undump(JSON.parse(JSON.stringify(dump(map)))).rules.get(0)).toEqual(map.rules.get(0));
  expect(decompile(map)).toContain("\nrule  {\n");
});

test("an error names the line and what is missing there", () => {
  expect(() => compile(`${head}host a {\n alg straw2\n item osd.0 weight heavy\n}\n`)).toThrow(
    /^line 8: a number expected, "heavy" stands there$/,
  );
  expect(() => compile(head + rule("x", "a").replace(" min_size 1\n", ""))).toThrow(
    /^line 9: "min_size" expected/,
  );
});
