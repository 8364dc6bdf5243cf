/**
 * `npm run clients [NAME…]`: scripted tours of clients as people use them, unmodified, each against
 * a store of its own making. A client that is not installed is skipped by name.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, rootKeys, startServer } from "../server-process.ts";

const SKIPPED = 77;
const helpers = new Set(["main.ts", "quarry.test.ts", "tour.sh"]);
const interpreters: Readonly<Record<string, string>> = {
  sh: "bash",
  py: "python3",
  ts: process.execPath,
};

/** What the server is asked to speak beside S3, and how tours learn of it. */
async function fastdfsFaces() {
  const [http, tracker, storage] = [await freePort(), await freePort(), await freePort()];
  const flags = { "--fastdfs": http, "--fastdfs-tracker": tracker, "--fastdfs-storage": storage };
  return {
    args: Object.entries(flags).flatMap(([flag, port]) => [flag, String(port)]),
    env: {
      FASTDFS_TRACKER: `127.0.0.1:${tracker}`,
      FASTDFS_STORAGE: `127.0.0.1:${storage}`,
      FASTDFS_URL: `http://127.0.0.1:${http}`,
    },
  };
}

async function run(
  script: string,
  endpoint: string,
  faces: Readonly<Record<string, string>>,
): Promise<number> {
  const interpreter = interpreters[script.split(".")[1] ?? ""] ?? "false";
  const child = spawn(interpreter, [join(import.meta.dirname, script)], {
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      ...faces,
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: rootKeys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: rootKeys.secretAccessKey,
      AWS_DEFAULT_REGION: "us-east-1",
      QUARRY_BIN: join(import.meta.dirname, "..", "..", "cli", "bin.mjs"),
    },
  });
  return new Promise((resolve) => {
    child.once("error", () => resolve(SKIPPED));
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

const wanted = process.argv.slice(2);
const scripts = (await readdir(import.meta.dirname))
  .filter((name) => /\.(sh|py|ts)$/.test(name) && !helpers.has(name))
  .filter((name) => wanted.length === 0 || wanted.includes(name.split(".")[0] ?? ""));
if (scripts.length === 0) throw new Error(`no tour is called ${wanted.join(" or ")}`);

const data = await mkdtemp(join(tmpdir(), "quarry-clients-"));
let failures = 0;
try {
  const { args, env } = await fastdfsFaces();
  await using server = await startServer({ data, port: await freePort(), args });
  await server.says("tracker");
  for (const script of scripts) {
    const begunMs = performance.now();
    const code = await run(script, server.endpoint, env);
    const outcome = code === 0 ? "passed" : code === SKIPPED ? "skipped" : `FAILED (${code})`;
    if (code !== 0 && code !== SKIPPED) failures++;
    console.log(`${script}: ${outcome}, ${((performance.now() - begunMs) / 1000).toFixed(1)} s`);
  }
  const exit = await server.stop();
  if (exit !== 0) throw new Error(`the server ended with ${exit}:\n${server.output()}`);
} finally {
  await rm(data, { recursive: true });
}
process.exitCode = failures === 0 ? 0 : 1;
