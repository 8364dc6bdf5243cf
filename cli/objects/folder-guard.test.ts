import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FolderGuard } from "./folder-guard.ts";

let base: string;
let guard: FolderGuard;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "quarry-guard-"));
  guard = new FolderGuard(join(base, "in"));
});
afterEach(() => rm(base, { recursive: true }));

test.each(["../up", "a/../../up", "/etc/passwd", "a//b", "./a", "a/.", "a/..", "..", "a\0b", "a/"])(
  "%j has no place",
  (name) => expect(guard.pathOf(name)).toBeUndefined(),
);

test.each(["a", "a/b", "..a", "...", "a\nb", "ü/🙂", "C:\\x"])("%j has one", (name) =>
  expect(guard.pathOf(name)).toBe(join(base, "in", name)),
);

test("a link that leads outside is not entered, and nothing is made behind it", async () => {
  await mkdir(join(base, "out"));
  await mkdir(join(base, "in"));
  await symlink(join(base, "out"), join(base, "in", "link"));
  await symlink("..", join(base, "in", "up"));
  await mkdir(join(base, "in", "real"));
  await symlink("real", join(base, "in", "inside"));
  const make = (name: string) => guard.makeFolderOf(guard.pathOf(name) ?? "");
  await expect(make("link/x")).rejects.toThrow(/is a link to .*, outside/);
  await expect(make("link/deep/er/x")).rejects.toThrow(/outside/);
  await expect(make("up/out/x")).rejects.toThrow(/outside/);
  await make("inside/deep/x");
  expect(await readdir(join(base, "in", "real"))).toEqual(["deep"]);
  expect(await readdir(join(base, "out"))).toEqual([]);
});

test("a file where a folder is needed stays", async () => {
  await mkdir(join(base, "in"));
  await writeFile(join(base, "in", "a"), "file");
  await expect(guard.makeFolderOf(guard.pathOf("a/b/c") ?? "")).rejects.toThrow(/ENOTDIR/);
});
