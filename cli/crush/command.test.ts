/** The commands as a user runs them, in a process of their own. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const vectors = join(root, "test/vectors/crush/maps");
const folder = mkdtempSync(join(tmpdir(), "quarry-crush-cli-"));
const starter = join(folder, "start.mjs");
writeFileSync(
  starter,
  `import { crushCommand } from ${JSON.stringify(join(root, "cli/crush/command.ts"))};
   await crushCommand().parseAsync().catch((error) => { console.error(error.message); process.exitCode = 1; });`,
);
afterAll(() => rmSync(folder, { recursive: true }));

function quarryCrush(args: readonly string[], input?: string) {
  const ran = spawnSync(process.execPath, [starter, ...args], {
    ...(input === undefined ? {} : { input }),
  });
  return { code: ran.status, out: ran.stdout.toString(), err: ran.stderr.toString() };
}

const map = join(vectors, "racks-4x3x4.txt");

test("compile and decompile are each other's way back", () => {
  const json = quarryCrush(["compile", map]).out;
  expect(JSON.parse(json)).toMatchObject(
    JSON.parse(readFileSync(map.replace(".txt", ".dump.json"), "utf8")),
  );
  const text = quarryCrush(["decompile", "-"], json).out;
  expect(text).toMatch(/^# begin crush map\n/);
  expect(quarryCrush(["decompile", map]).out).toBe(text);
});

test("test prints what crushtool prints, wherever --weight stands", () => {
  const flags = [
    "--rule",
    "0",
    "--num-rep",
    "3",
    "--min-x",
    "0",
    "--max-x",
    "1",
    "--show-mappings",
  ];
  const plain = quarryCrush(["test", map, ...flags]);
  expect(plain.out).toMatch(
    /^CRUSH rule 0 x 0 \[\d+,\d+,\d+\]\nCRUSH rule 0 x 1 \[\d+,\d+,\d+\]\n$/,
  );
  const first = /\[(\d+),/.exec(plain.out)?.[1] ?? "";
  const without = quarryCrush(["test", ...flags, "--weight", first, "0", map]).out;
  expect(without).not.toMatch(new RegExp(`x 0 \\[${first},`));
  expect(quarryCrush(["test", map, "--weight", first, "0", ...flags]).out).toBe(without);
});

test("tree draws all buckets and devices", () => {
  const { out } = quarryCrush(["tree", map]);
  const { buckets, devices } = JSON.parse(readFileSync(map.replace(".txt", ".dump.json"), "utf8"));
  expect(out.trim().split("\n").length).toBe(1 + buckets.length + devices.length);
  expect(out).toContain("100.0 %");
});

test("whatif: a host more, as text, JSON and picture", () => {
  const picture = join(folder, "whatif.svg");
  const change = ["--add-host", "fresh", "--devices", "4", "--device-weight", "2"];
  const text = quarryCrush(["whatif", map, ...change, "--inputs", "2048"]);
  expect(text.err).toBe("");
  expect(text.out).toMatch(/^moves +[\d.]+ \w+ +[\d.]+ %/m);
  const json = JSON.parse(
    quarryCrush(["whatif", map, ...change, "--inputs", "2048", "--json", "--svg", picture]).out,
  );
  expect(json.movedShare).toBeGreaterThan(json.leastShare / 2);
  expect(json.devices.filter(({ host }: { host: string }) => host === "fresh")).toHaveLength(4);
  const svg = readFileSync(picture, "utf8");
  expect(svg).toMatch(/^<svg [\s\S]*fresh[\s\S]*<\/svg>\n$/);
});

test.each([
  ["remove", ["--remove", "osd.3"]],
  ["reweight", ["--reweight", "osd.3", "0.5"]],
  ["out", ["--out", "osd.3"]],
  ["failure domain", ["--failure-domain", "osd"]],
  ["replicas", ["--to-num-rep", "2"]],
  ["another rule", ["--to-rule", "1"]],
  ["another map", ["--to", join(vectors, "racks-3x4x2-mixed.txt")]],
])("whatif: %s", (_, change) => {
  const ran = quarryCrush(["whatif", map, ...change, "--inputs", "512", "--json"]);
  expect(ran.err).toBe("");
  const json = JSON.parse(ran.out);
  expect(json.changes).toHaveLength(1);
  expect(json.movedShare).toBeGreaterThanOrEqual(0);
});

test("stats simulates with a seed", () => {
  const flags = ["stats", map, "--inputs", "512", "--trials", "50", "--failures", "6", "--json"];
  const once = quarryCrush(flags).out;
  expect(quarryCrush(flags).out).toBe(once);
  expect(JSON.parse(once).fill.incomplete).toBe(0);
});

test("what goes wrong is said in words", () => {
  const broken = quarryCrush(["compile", "-"], "device zero osd.0\n");
  expect(broken.code).toBe(1);
  expect(broken.err).toMatch(/line 1/);
  expect(quarryCrush(["whatif", map]).err).toMatch(/no change given/);
  expect(quarryCrush(["stats", map, "--rule", "gold"]).err).toMatch(/no rule gold; it has: 0/);
  expect(quarryCrush(["test", join(vectors, "weight-wrap.txt"), "--show-mappings"]).err).toMatch(
    /32768 or more/,
  );
});
