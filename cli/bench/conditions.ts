/** Under which conditions a figure was measured: without them it means nothing. */
import { execFileSync } from "node:child_process";
import { cpus, loadavg, release, totalmem } from "node:os";
import { systemClock } from "../../base/clock.ts";

export interface Conditions {
  /** Commit of the checkout, with `+` when files differ from it. */
  readonly commit: string;
  readonly node: string;
  readonly machine: string;
  readonly date: string;
  /** Of the last minute, at the start: what else the machine does. */
  readonly loadAverage: number;
}

export function runConditions(): Conditions {
  const cpu = cpus();
  const memoryGiB = (totalmem() / 2 ** 30).toFixed(1);
  return {
    commit: commitOf(),
    node: process.version,
    machine: `${cpu.length} × ${cpu[0]?.model ?? "unknown CPU"}, ${memoryGiB} GiB, Linux ${release()}`,
    date: new Date(systemClock.nowMs()).toISOString(),
    loadAverage: loadavg()[0] ?? 0,
  };
}

function commitOf(): string {
  const git = (...args: string[]) =>
    execFileSync("git", args, {
      cwd: import.meta.dirname,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  try {
    const dirty = git("status", "--porcelain", "--untracked-files=no") !== "";
    return git("rev-parse", "--short=12", "HEAD") + (dirty ? "+" : "");
  } catch {
    return "unknown (no git checkout)";
  }
}
