/** `quarry serve` as a program: what happens to its processes. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const bin = resolve(import.meta.dirname, "..", "cli", "bin.mjs");

async function until<T>(what: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (;;) {
    const found = await what();
    if (found !== undefined) return found;
    await new Promise((again) => setTimeout(again, 10));
  }
}

const onLinux = test.skipIf(process.platform !== "linux"); // children are read from /proc

onLinux(
  "a gateway that dies is replaced at the same port, also when the system chose it",
  async () => {
    const data = await mkdtemp(join(tmpdir(), "quarry-serve-"));
    const server = spawn(process.execPath, [
      ...[bin, "serve", "--data", data, "--port", "0", "--gateways", "1"],
    ]);
    onTestFinished(async () => {
      server.kill("SIGKILL");
      await rm(data, { recursive: true });
    });
    let output = "";
    server.stdout.on("data", (text: Buffer) => {
      output += text.toString();
    });
    const url = await until(() => /at (http:\S+)/.exec(output)?.[1]);
    const gateway = () =>
      readFile(`/proc/${server.pid}/task/${server.pid}/children`, "utf8").then(
        (pids) => Number(pids.trim()) || undefined,
      );
    const first = await until(gateway);
    process.kill(first, "SIGKILL");
    const second = await until(async () => {
      const pid = await gateway();
      return pid === first ? undefined : pid;
    });
    expect(second).not.toBe(first);
    await until(() =>
      fetch(`${url}/health/ready`).then(
        (answer) => answer.ok || undefined,
        () => undefined,
      ),
    );
    const ended = new Promise((gone) => server.once("exit", gone));
    server.kill("SIGINT");
    expect(await ended).toBe(0);
  },
);

test("with several gateways /metrics counts the requests of all, whichever is asked", async () => {
  const data = await mkdtemp(join(tmpdir(), "quarry-serve-"));
  const flags = ["--data", data, "--port", "0", "--gateways", "2"];
  const server = spawn(process.execPath, [bin, "serve", ...flags]);
  onTestFinished(async () => {
    server.kill("SIGKILL");
    await rm(data, { recursive: true });
  });
  let output = "";
  server.stdout.on("data", (text: Buffer) => {
    output += text.toString();
  });
  const url = await until(() => {
    expect(server.exitCode).toBeNull();
    return /at (http:\S+)/.exec(output)?.[1];
  });
  // A connection each, so that both gateways get some; unsigned, so that all are refused.
  const one = () => fetch(`${url}/bucket/key`, { headers: { connection: "close" } });
  for (let i = 0; i < 8; i++) expect((await one()).status).toBe(404);
  for (let i = 0; i < 3; i++) {
    const text = await (await fetch(`${url}/metrics`, { headers: { connection: "close" } })).text();
    const counts = text.matchAll(/^quarry_s3_requests_total\{.*status="404".*\} (\d+)$/gm);
    expect([...counts].reduce((sum, [, count]) => sum + Number(count), 0)).toBe(8);
    expect(text).toContain("quarry_storage_process_cpu_seconds_total");
  }
});
