import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hasCode } from "./errors.ts";
import { lockDirectory } from "./lock.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "quarry-lock-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function refusal(): unknown {
  try {
    lockDirectory(directory, 2);
  } catch (error) {
    return error;
  }
  return undefined;
}

test("a second lock in the same process is refused, and says who holds it", async () => {
  const lock = lockDirectory(directory, 1);
  const error = refusal();
  expect(hasCode(error, "Locked")).toBe(true);
  expect(String(error)).toContain(`process ${process.pid}`);
  await lock[Symbol.asyncDispose]();
  await lockDirectory(directory, 3)[Symbol.asyncDispose]();
});

test("the lock of a process that was killed is free", async () => {
  const script = `
    const { lockDirectory } = await import(${JSON.stringify(join(import.meta.dirname, "lock.ts"))});
    lockDirectory(${JSON.stringify(directory)}, 1);
    console.log("locked");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
  await once(child.stdout, "data");
  const error = refusal();
  expect(hasCode(error, "Locked")).toBe(true);
  expect(String(error)).toContain(`process ${child.pid}`);
  child.kill("SIGKILL");
  await once(child, "exit");
  await lockDirectory(directory, 2)[Symbol.asyncDispose]();
});
