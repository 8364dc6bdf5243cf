import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { localTree } from "./local-tree.ts";
import { type Side, syncSteps } from "./sync-plan.ts";

async function* sides(names: readonly string[], bytes = 1): AsyncGenerator<Side> {
  for (const name of names) yield { name, bytes, modifiedMs: 0 };
}

async function steps(from: string[], to: string[], differs = false) {
  const out: string[] = [];
  for await (const step of syncSteps(sides(from), sides(to), () => differs))
    out.push(step.kind === "move" ? `+${step.from.name}` : `-${step.to.name}`);
  return out;
}

test("what only the source has is moved, what only the target has is deleted", async () => {
  expect(await steps(["a", "c"], ["b", "c"])).toEqual(["+a", "-b"]);
  expect(await steps([], ["a", "b"])).toEqual(["-a", "-b"]);
  expect(await steps(["a", "b"], [])).toEqual(["+a", "+b"]);
  expect(await steps(["a"], ["a"], true)).toEqual(["+a"]);
  expect(await steps([], [])).toEqual([]);
});

test("names are in the order of their bytes, beyond the first 65,536 characters too", async () => {
  // U+FF5E is below U+1F642 in UTF-8 and above its surrogates in UTF-16.
  expect(await steps(["\uff5e", "🙂"], ["🙂"])).toEqual(["+\uff5e"]);
});

test("a folder is walked in the order in which a store lists its keys", async () => {
  const folder = await mkdtemp(join(tmpdir(), "quarry-tree-"));
  const names = ["a!", "a/b", "a/b/c", "a0", "a.b/x", "é", "\uff5e", "🙂", "B/z", "a-/x"].filter(
    (name) => name !== "a/b",
  );
  try {
    for (const name of names) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), "");
    }
    await writeFile(join(folder, ".quarry-0123.part"), "unfinished");
    const found: string[] = [];
    const skipped = (path: string) => found.push(`skipped ${path}`);
    for await (const { name } of localTree(folder, {
      followLinks: false,
      skipped,
      failed: skipped,
    }))
      found.push(name);
    expect(found).toEqual(names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  } finally {
    await rm(folder, { recursive: true });
  }
});
