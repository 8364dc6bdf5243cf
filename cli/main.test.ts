/** Outputs that take nothing more: a sentence and an exit code, never a stack. */
import { spawnSync } from "node:child_process";
import { existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const bin = join(import.meta.dirname, "bin.mjs");
const full = "/dev/full";
const runs = (stdout: number | "pipe", stderr: number | "pipe", ...args: string[]) =>
  spawnSync(process.execPath, [bin, ...args], { stdio: ["ignore", stdout, stderr] });

test.skipIf(!existsSync(full))("a full disk under the output is told", () => {
  const words = runs(
    openSync(full, "w"),
    "pipe",
    "presign",
    "s3://photos/cat",
    "--access-key=a",
    "--secret-key=b",
  );
  expect(words.stderr.toString()).toMatch(
    /^quarry: the output cannot be written: no space left .*\n$/,
  );
  expect(words.status).toBe(6);
});

test.skipIf(!existsSync(full))("a full disk under the error output leaves the exit code", () => {
  expect(runs("pipe", openSync(full, "w"), "get", "nowhere").status).toBe(2);
});

test.each([
  ["admin", "nameserver", "staus"],
  ["admin", "nameserver", "add"],
  ["admin", "nameserver"],
  ["backup"],
])("a wrong command below another ends with 2: %s %s %s", (...words) => {
  const { status, stderr } = runs("pipe", "pipe", ...words.filter((word) => word !== undefined));
  expect([status, stderr.toString()]).toEqual([2, expect.stringMatching(/^error: |^Usage: /)]);
});
