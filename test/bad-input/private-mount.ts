/** A small disk of its own, in a mount namespace that only the test and what it starts can see. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const asRoot = process.getuid?.() === 0;
const unshare = asRoot ? ["unshare", "-m"] : ["unshare", "-rm"];

/** Whether this system lets its user make one. */
export const canMount = (() => {
  try {
    const [command = "", ...words] = unshare;
    execFileSync(command, [...words, "mount", "-t", "tmpfs", "none", "/mnt"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

export interface PrivateMount extends AsyncDisposable {
  /** Where it is mounted, for processes run {@link within}. */
  readonly path: string;
  /** The same folder, for everyone else. */
  readonly seenFrom: string;
  /** The beginning of a command that runs in the namespace. */
  readonly within: readonly string[];
  /** From now on nothing can be written. */
  makeReadOnly(): void;
}

/** A disk in memory of so many MiB; memory is used for what is written only. */
export async function mountMemory(sizeMiB: number): Promise<PrivateMount> {
  const path = await mkdtemp(join(tmpdir(), "quarry-mount-"));
  const script = `mount -t tmpfs -o size=${sizeMiB}m,mode=700 none '${path}' && echo ready && exec sleep 3600`;
  const [command = "", ...words] = unshare;
  const holder: ChildProcess = spawn(command, [...words, "sh", "-c", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (holder.stdout !== null) await once(holder.stdout, "data");
  const user = asRoot ? [] : ["-U", "--preserve-credentials"];
  const within = ["nsenter", "-t", String(holder.pid), "-m", ...user, `--wd=${process.cwd()}`];
  return {
    path,
    seenFrom: join("/proc", String(holder.pid), "root", path),
    within,
    makeReadOnly() {
      const [enter = "", ...rest] = within;
      execFileSync(enter, [...rest, "mount", "-o", "remount,ro", path]);
    },
    async [Symbol.asyncDispose]() {
      holder.kill("SIGKILL");
      await once(holder, "exit");
      await rmdir(path);
    },
  };
}
