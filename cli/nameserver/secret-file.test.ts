import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { readSecret } from "./secret-file.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quarry-secret-"));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

test.each([
  [0o600, 0],
  [0o644, 1],
])("a secret of mode %o is taken, with %i warnings", async (mode, warnings) => {
  const told = vi.spyOn(console, "error").mockReturnValue();
  const path = join(folder, "secret");
  await writeFile(path, `${"0f".repeat(32)}\n`);
  await chmod(path, mode);
  expect(await readSecret(path)).toEqual(Buffer.alloc(32, 0x0f));
  expect(told).toHaveBeenCalledTimes(warnings);
});

test("what is no secret is refused, with how to make one", async () => {
  const path = join(folder, "secret");
  await writeFile(path, "password");
  await expect(readSecret(path)).rejects.toThrow(/64 hex digits.*openssl/s);
  await expect(readSecret(join(folder, "none"))).rejects.toThrow(/cannot be read.*openssl/s);
});
