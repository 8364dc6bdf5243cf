/** A real `quarry serve` in a process group of its own, for tests that kill it. */
import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { S3Client } from "@aws-sdk/client-s3";
import { systemRandom } from "../base/random.ts";
import { drawPort } from "../cli/cluster/ports.ts";

const bin = resolve(import.meta.dirname, "..", "cli", "bin.mjs");

export const rootKeys = { accessKeyId: "quarry-test-root", secretAccessKey: "quarry-test-secret" };

/** A port of 127.0.0.1 that nobody listens at, drawn so that two test runs hardly meet. */
export async function freePort(): Promise<number> {
  return await drawPort(systemRandom, new Set());
}

export interface ServerProcess extends AsyncDisposable {
  readonly endpoint: string;
  readonly pid: number;
  /** From the start of the process to the first healthy answer. */
  readonly startMs: number;
  readonly client: S3Client;
  /** All it printed so far. */
  output(): string;
  /** Resolves when it has printed that. S3 answers before other faces are open. */
  says(text: string): Promise<void>;
  running(): boolean;
  /** SIGKILL to the whole group; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGINT, as Ctrl-C; resolves with the exit code. */
  stop(): Promise<number | null>;
}

export async function startServer(options: {
  readonly data: string;
  readonly port: number;
  readonly args?: readonly string[];
  readonly timeoutMs?: number;
  /** A command that runs the server, such as one that enters a namespace. */
  readonly within?: readonly string[];
}): Promise<ServerProcess> {
  const begunMs = performance.now();
  const args = [bin, "serve", "--data", options.data, "--port", String(options.port)];
  const [command = "", ...words] = [...(options.within ?? []), process.execPath, ...args];
  const child = spawn(command, [...words, ...(options.args ?? [])], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      QUARRY_ROOT_ACCESS_KEY: rootKeys.accessKeyId,
      QUARRY_ROOT_SECRET_KEY: rootKeys.secretAccessKey,
    },
  });
  let output = "";
  const keep = (text: Buffer) => {
    output = (output + text.toString()).slice(-1_000_000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const exited = new Promise<number | null>((gone) => child.once("exit", gone));
  const endpoint = `http://127.0.0.1:${options.port}`;
  await untilHealthy(endpoint, child, () => output, options.timeoutMs ?? 30_000);
  const client = new S3Client({
    endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: rootKeys,
  });
  const pid = child.pid ?? 0;
  const kill = async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-pid, "SIGKILL");
    await exited;
    client.destroy();
  };
  return {
    endpoint,
    pid,
    startMs: performance.now() - begunMs,
    client,
    output: () => output,
    async says(text) {
      while (!output.includes(text)) {
        if (child.exitCode !== null) throw new Error(`the server ended:\n${output}`);
        await sleep(20);
      }
    },
    running: () => child.exitCode === null && child.signalCode === null,
    kill,
    async stop() {
      child.kill("SIGINT");
      const code = await exited;
      client.destroy();
      return code;
    },
    [Symbol.asyncDispose]: kill,
  };
}

async function untilHealthy(
  endpoint: string,
  child: ChildProcess,
  output: () => string,
  timeoutMs: number,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the server ended at its start:\n${output()}`);
    const healthy = await fetch(`${endpoint}/health/ready`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (healthy) return;
    if (performance.now() > deadlineMs) {
      child.kill("SIGKILL");
      throw new Error(`the server was not ready after ${timeoutMs} ms:\n${output()}`);
    }
    await sleep(10);
  }
}
