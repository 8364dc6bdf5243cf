/** Starts what is measured, each as a process of its own, and ends it again. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Credentials } from "./request-head.ts";

const READY_MS = 30_000;
const STOP_MS = 15_000;
const TAIL_CHARACTERS = 4000;

export interface MeasuredServer extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  /** Root of its processes; absent for an endpoint that someone else runs. */
  readonly pid?: number;
  /** Absent: takes unsigned requests. */
  readonly credentials?: Credentials;
}

export async function startRaw(name: string, ...flags: string[]): Promise<MeasuredServer> {
  const port = await freePort();
  const file = join(import.meta.dirname, "raw-server.ts");
  const child = start([file, "--port", String(port), ...flags], {});
  const url = `http://127.0.0.1:${port}`;
  await ready(url, child);
  return { name, url, pid: child.process.pid ?? 0, [Symbol.asyncDispose]: () => stop(child) };
}

/** The raw server that hashes, writes a file for each body and syncs it. */
export async function startDurableRaw(parent: string): Promise<MeasuredServer> {
  const folder = await mkdtemp(join(parent, "raw-bench-"));
  const server = await startRaw("raw+md5+disk", "--md5", "--store", folder);
  return {
    ...server,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A store of its own on an empty folder below `parent`, which goes with it. */
export async function startQuarry(
  parent: string,
  durability: string,
  credentials: Credentials,
  extra: readonly string[],
): Promise<MeasuredServer> {
  const port = await freePort();
  const folder = await mkdtemp(join(parent, "quarry-bench-"));
  const file = join(import.meta.dirname, "..", "cli", "bin.mjs");
  const flags = ["--data", folder, "--port", String(port), "--durability", durability];
  const child = start([file, "serve", ...flags, "--log-level", "warn", ...extra], {
    QUARRY_ROOT_ACCESS_KEY: credentials.accessKey,
    QUARRY_ROOT_SECRET_KEY: credentials.secretKey,
  });
  const end = async () => {
    await stop(child);
    await rm(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await ready(url, child);
  } catch (error) {
    await end();
    throw error;
  }
  return {
    name: "quarry",
    url,
    pid: child.process.pid ?? 0,
    credentials,
    [Symbol.asyncDispose]: end,
  };
}

interface Child {
  readonly process: ChildProcess;
  /** The end of what it printed. */
  said: string;
  readonly ended: Promise<void>;
}

function start(args: readonly string[], env: Readonly<Record<string, string>>): Child {
  const process_ = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const child: Child = {
    process: process_,
    said: "",
    ended: new Promise((resolve) => process_.once("exit", () => resolve())),
  };
  for (const stream of [process_.stdout, process_.stderr])
    stream?.on("data", (chunk: Buffer) => {
      child.said = (child.said + chunk.toString()).slice(-TAIL_CHARACTERS);
    });
  return child;
}

/** Resolves when the server answers HTTP, whatever it answers. */
async function ready(url: string, child: Child): Promise<void> {
  const untilMs = performance.now() + READY_MS;
  while (performance.now() < untilMs) {
    if (child.process.exitCode !== null) break;
    try {
      await (await fetch(url)).arrayBuffer();
      return;
    } catch {
      // not listening yet
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error(`the server at ${url} did not get ready. It said:\n${child.said}`);
}

async function stop(child: Child): Promise<void> {
  child.process.kill("SIGTERM");
  const killer = setTimeout(() => child.process.kill("SIGKILL"), STOP_MS);
  await child.ended;
  clearTimeout(killer);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
