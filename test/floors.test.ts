/**
 * The house has floors (docs/architecture.md): imports go down only, and the machine's clock,
 * disk, network and chance enter through `base/` (the network also through `rpc/`, `gateway/` and
 * `cli/`, whose business it is).
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");

const floorOf: Record<string, number> = {
  base: 0,
  raft: 1,
  crush: 1,
  erasure: 1,
  rpc: 2,
  nameserver: 3,
  dataserver: 3,
  client: 4,
  gateway: 5,
  console: 5,
  cli: 6,
};

/** Folders of one floor that may not know each other, except where a floor says otherwise. */
const pure = new Set(["raft", "crush", "erasure"]);

/** What gives a module its own clock, disk, network or chance, and who may use it. */
const seams: readonly {
  readonly what: string;
  readonly pattern: RegExp;
  readonly allowed: RegExp;
}[] = [
  {
    what: "clock",
    pattern:
      /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bsetTimeout\(|\bsetInterval\(|node:timers/,
    allowed: /^base\/clock\.ts$/,
  },
  {
    what: "chance",
    pattern:
      /\bMath\.random\(|\brandomBytes\b|\brandomUUID\b|\brandomFill|\brandomInt\b|\bgetRandomValues\b/,
    allowed: /^base\/random\.ts$/,
  },
  {
    what: "disk",
    pattern: /from "(node:)?fs(\/promises)?"|from "node:sqlite"/,
    allowed: /^(base|cli)\//,
  },
  {
    what: "network",
    pattern: /from "(node:)?(net|tls|dgram|dns|http2?|https)"/,
    allowed: /^(base|rpc|gateway|cli)\//,
  },
];

function sources(): string[] {
  return Object.keys(floorOf).flatMap((folder) => {
    try {
      return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
        .map((name) => join(folder, name));
    } catch {
      return []; // a floor that is not built yet
    }
  });
}

const files = sources().map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));

function importsOf(path: string, text: string): string[] {
  const found = text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g);
  return [...found].map((m) => relative(root, resolve(root, dirname(path), m[1] ?? "")));
}

const folderOf = (path: string) => path.split("/")[0] ?? "";

describe("floors", () => {
  test("there is a house to look at", () => {
    expect(files.length).toBeGreaterThan(5);
  });

  test("imports go down only, and neighbours on the third floor do not know each other", () => {
    const wrong: string[] = [];
    for (const { path, text } of files) {
      const from = folderOf(path);
      for (const target of importsOf(path, text)) {
        const to = folderOf(target);
        if (from === to) continue;
        const down = (floorOf[to] ?? 99) < (floorOf[from] ?? -1);
        if (!down || (pure.has(from) && to !== "base")) wrong.push(`${path} imports ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test.each(seams)("$what enters through its seam alone", ({ pattern, allowed }) => {
    const wrong = files
      .filter(({ path, text }) => !allowed.test(path) && pattern.test(stripComments(text)))
      .map(({ path }) => path);
    expect(wrong).toEqual([]);
  });

  test("no file outgrows one idea", () => {
    const long = files.filter(({ text }) => text.split("\n").length > 301).map(({ path }) => path);
    expect(long).toEqual([]);
  });

  test("no folder or file is called by a name that says nothing", () => {
    expect(
      files
        .map(({ path }) => path)
        .filter((p) => /(^|\/)(utils?|helpers?|manager|common|misc)(\/|\.)/.test(p)),
    ).toEqual([]);
  });
});

function stripComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}
