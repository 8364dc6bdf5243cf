/** The program that the README shows runs as it stands, from the package's own name. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");

test("the README's program stores a file and reads it back", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const program = /^```ts\n(.*?)^```$/ms.exec(readme)?.[1] ?? "";
  const data = await mkdtemp(join(tmpdir(), "quarry-readme-"));
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        "--input-type=module-typescript",
        "-e",
        program.replace('"./own-data"', JSON.stringify(data)),
      ],
      { cwd: root },
    );
    expect(stdout).toBe(await readFile(join(root, "package.json"), "utf8"));
  } finally {
    await rm(data, { recursive: true });
  }
});
