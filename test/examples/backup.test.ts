/** examples/backup.sh with the aws cli of this machine, against a real `quarry serve`. */
import { execFile, execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort, rootKeys, type ServerProcess, startServer } from "../server-process.ts";

const script = resolve(import.meta.dirname, "../../examples/backup.sh");
const hasAws = (() => {
  try {
    execFileSync("aws", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false; // the machine has no aws cli
  }
})();

let directory = "";
let server: ServerProcess;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "quarry-backup-"));
  server = await startServer({ data: join(directory, "data"), port: await freePort() });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

async function backup(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("sh", [script, ...args], {
    cwd: directory,
    env: {
      ...process.env,
      AWS_ENDPOINT_URL: server.endpoint,
      AWS_ACCESS_KEY_ID: rootKeys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: rootKeys.secretAccessKey,
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_CONFIG_FILE: "none",
    },
  });
  return stdout;
}

const same = (a: string, b: string) =>
  promisify(execFile)("diff", ["-r", join(directory, a), join(directory, b)]);

test.skipIf(!hasAws)(
  "a folder is saved, changed, saved again, and comes back as it is and as it was",
  async () => {
    const work = join(directory, "work");
    await mkdir(join(work, "deep er"), { recursive: true });
    await writeFile(join(work, "notes.txt"), "first");
    await writeFile(join(work, "deep er", "ü b.bin"), Buffer.alloc(300_000, "x"));
    expect(await backup("save", work, "documents")).toContain("saved");
    await cp(work, join(directory, "then"), { recursive: true });
    const time = new Date().toISOString();
    await sleep(1_100); // the aws cli tells versions apart by whole seconds
    await writeFile(join(work, "notes.txt"), "second, longer");
    await rm(join(work, "deep er"), { recursive: true });
    await writeFile(join(work, "new"), "");
    await backup("save", work, "documents");
    expect(await backup("list", "documents")).toMatch(/notes.txt[\s\S]*Total Objects: 2/);
    await backup("restore", "documents", "now");
    await same("work", "now");
    await backup("restore", "documents", "was", time);
    await same("then", "was");
  },
  120_000,
);
