/** The command line as people run it: a process of its own, with nothing of this machine's settings. */
import { type ChildProcess, spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { rootKeys } from "./server-process.ts";

const main = resolve(import.meta.dirname, "..", "cli", "main.ts");

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunningCli {
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;
}

export function startCli(
  settings: { readonly endpoint: string; readonly home: string; readonly env?: NodeJS.ProcessEnv },
  ...args: readonly string[]
): RunningCli {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: settings.home,
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      HOME: settings.home,
      XDG_STATE_HOME: join(settings.home, "state"),
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_ENDPOINT_URL: settings.endpoint,
      AWS_ACCESS_KEY_ID: rootKeys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: rootKeys.secretAccessKey,
      ...settings.env,
    },
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (text: Buffer) => {
    out += text.toString();
  });
  child.stderr.on("data", (text: Buffer) => {
    err += text.toString();
  });
  const ended = new Promise<Outcome>((gone) => {
    child.once("close", (code) => gone({ code, out, err }));
  });
  return { child, ended };
}
