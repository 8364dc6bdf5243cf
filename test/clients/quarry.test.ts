/** The tour of Quarry's own commands needs nothing but bash: it is a test like the others. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("a tour of Quarry's own commands", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(import.meta.dirname, "main.ts"),
    "quarry",
  ]);
  expect(stdout).toContain("quarry.sh: passed");
}, 300_000);
