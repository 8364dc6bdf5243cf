/** Dumps against `crushtool --dump -f json`, and back. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { dump } from "./dump.ts";
import { compile } from "./text/compile.ts";

const folder = join(import.meta.dirname, "../test/vectors/crush/maps");
const names = readdirSync(folder)
  .filter((name) => name.endsWith(".txt"))
  .map((name) => name.replace(".txt", ""));

test("the recorded maps are there", () => {
  expect(names.length).toBe(46);
});

test.each(names)("%s compiles to what crushtool dumps", (name) => {
  const { classes: _, ...mine } = dump(compile(readFileSync(join(folder, `${name}.txt`), "utf8")));
  expect(mine).toEqual(JSON.parse(readFileSync(join(folder, `${name}.dump.json`), "utf8")));
});

const doubtful = readFileSync(join(folder, "../bad-maps.jsonl"), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as { map: string; accepted: boolean; dump?: object })
  .filter((one) => one.accepted);

test.each(doubtful)("doubtful map $map compiles to what crushtool dumps", (one) => {
  const text = readFileSync(join(folder, `../bad-maps/${one.map}.txt`), "utf8");
  const { classes: _, ...mine } = dump(compile(text));
  expect(mine).toEqual(one.dump);
});
