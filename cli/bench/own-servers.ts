/** Starts what is measured where no endpoint is named, each as a process of its own, and ends it again. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { stayAwake, systemClock } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { nodeFlags, ownProgram } from "../own-program.ts";
import type { PeerFlags } from "../peers.ts";
import { freePort } from "../serve/free-port.ts";
import type { Roles } from "./process-cost.ts";
import type { Credentials } from "./request.ts";

const HOST = "127.0.0.1";
const LOOK_MS = 50;
const TAIL_CHARACTERS = 4000;

export interface OwnServer extends AsyncDisposable {
  readonly url: string;
  readonly fids?: string;
  readonly peers?: PeerFlags;
  /** As they are now. */
  roles(): Promise<Roles>;
}

/** A process that was started here and answers HTTP. */
interface Started extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

/** The raw server, with flags of `raw-server.ts`; with `parent` it keeps bodies in a folder there. */
export async function startRaw(flags: readonly string[], parent?: string): Promise<OwnServer> {
  const source = join(import.meta.dirname, "raw-server.ts");
  const file = existsSync(source) ? source : join(import.meta.dirname, "raw-server.js");
  const folder = parent === undefined ? undefined : await mkdtemp(join(parent, "raw-bench-"));
  const store = folder === undefined ? [] : ["--store", folder];
  return alone(await start((port) => [file, "--port", port, ...flags, ...store], {}, folder));
}

/** A store of its own on an empty folder below `parent`, which goes with it. */
export async function startQuarry(
  parent: string,
  durability: string,
  credentials: Credentials,
  extra: readonly string[],
): Promise<OwnServer> {
  const folder = await mkdtemp(join(parent, "quarry-bench-"));
  const flags = ["--data", folder, "--durability", durability, ...extra];
  const served = await startFaces(["serve", ...flags], credentials, folder);
  return { ...alone(served), fids: served.fids, peers: { store: folder } };
}

const alone = (server: Started) => ({
  url: server.url,
  roles: async () => ({ server: [server.pid] }),
  [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
});

/** A process of `quarry` that serves S3 and fids. */
export async function startFaces(
  words: readonly string[],
  { accessKey, secretKey }: Credentials,
  folder?: string,
): Promise<Started & { readonly fids: string }> {
  const env = { QUARRY_ROOT_ACCESS_KEY: accessKey, QUARRY_ROOT_SECRET_KEY: secretKey };
  const fids = String(await freePort(HOST));
  const command = [...nodeFlags, ownProgram(), ...words, "--fids", fids, "--log-level", "warn"];
  const served = await start((port) => [...command, "--port", port], env, folder);
  return { ...served, fids: `http://${HOST}:${fids}` };
}

interface Child {
  readonly process: ChildProcess;
  /** The end of what it printed. */
  said: string;
  readonly ended: Promise<void>;
}

async function start(
  argsOf: (port: string) => readonly string[],
  env: Readonly<Record<string, string>>,
  folder: string | undefined,
): Promise<Started> {
  const port = await freePort(HOST);
  const url = `http://${HOST}:${port}`;
  const child = run(argsOf(String(port)), env);
  // Whatever ends the run, nothing of it stays behind.
  const atExit = () => {
    child.process.kill("SIGKILL");
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", atExit);
  const end = async () => {
    await stop(child);
    process.removeListener("exit", atExit);
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  };
  try {
    await ready(url, child);
  } catch (error) {
    await end();
    throw error;
  }
  return { url, pid: child.process.pid ?? 0, [Symbol.asyncDispose]: end };
}

function run(args: readonly string[], env: Readonly<Record<string, string>>): Child {
  const running = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = Promise.withResolvers<void>();
  running.once("exit", () => ended.resolve());
  const child: Child = { process: running, said: "", ended: ended.promise };
  for (const stream of [running.stdout, running.stderr])
    stream?.on("data", (chunk: Buffer) => {
      child.said = (child.said + chunk.toString()).slice(-TAIL_CHARACTERS);
    });
  return child;
}

/** Resolves when the server answers HTTP, whatever it answers. */
async function ready(url: string, child: Child): Promise<void> {
  const untilMs = systemClock.monotonicMs() + limits.benchReadyMs;
  while (systemClock.monotonicMs() < untilMs && child.process.exitCode === null) {
    try {
      await (await fetch(url)).arrayBuffer();
      return;
    } catch {
      await stayAwake(LOOK_MS); // not listening yet
    }
  }
  throw new QuarryError("Unavailable", `the server did not get ready. It said:\n${child.said}`);
}

async function stop(child: Child): Promise<void> {
  if (child.process.exitCode !== null) return;
  child.process.kill("SIGTERM");
  const killer = systemClock.after(limits.benchStopMs, () => child.process.kill("SIGKILL"));
  await child.ended;
  killer.cancel();
}
