/**
 * Members of an earlier `quarry cluster` that was killed. They end by themselves when it is gone; those
 * that cannot (they were paused, or are slow) are ended here, if the process of the noted number is ours.
 */
import { execFile } from "node:child_process";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Clock, sleep } from "../../base/clock.ts";
import { limits } from "../../base/limits.ts";
import type { Tell } from "./events.ts";
import { pathsOf } from "./folder.ts";

const LOOK_MS = 100;

/** Resolves when none of them runs. The folder is locked by the caller. */
export async function endLeftBehind(directory: string, clock: Clock, tell: Tell): Promise<void> {
  for (const name of await readdir(directory)) {
    const member = /^(.+)\.pid$/.exec(name)?.[1];
    if (member === undefined) continue;
    const path = join(directory, name);
    const pid = Number(await readFile(path, "utf8"));
    if (await isMember(pid, directory)) {
      tell({
        event: "notice",
        message: `${member} (process ${pid}) is left from before, and is ended first`,
      });
      await end(pid, directory, clock);
    }
    await rm(path, { force: true });
  }
}

async function end(pid: number, directory: string, clock: Clock): Promise<void> {
  signal(pid, "SIGTERM");
  signal(pid, "SIGCONT");
  const untilMs = clock.monotonicMs() + limits.memberStopMs;
  while (await isMember(pid, directory)) {
    if (clock.monotonicMs() >= untilMs) signal(pid, "SIGKILL");
    await sleep(clock, LOOK_MS);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Numbers of processes are used again: ours names the secret of this cluster in its command line. */
export async function isMember(pid: number, directory: string): Promise<boolean> {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  const line = ` ${(await commandLine(pid)).replaceAll("\0", " ")} `;
  return line.includes(` ${pathsOf(directory).secret} `);
}

/** Empty when there is no such process. */
async function commandLine(pid: number): Promise<string> {
  if (process.platform === "linux")
    return await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  const asked = promisify(execFile)("ps", ["-ww", "-o", "command=", "-p", String(pid)]);
  return await asked.then(({ stdout }) => stdout).catch(() => "");
}
