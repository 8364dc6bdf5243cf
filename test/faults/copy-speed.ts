/**
 * What `cp` and `sync` reach between the folders of two dataservers: the measure of healing. Both find
 * nothing in the system's cache of files: otherwise `cp` is measured by memory, and healing, which reads
 * more than there is memory, by the disk.
 */
import { execFile } from "node:child_process";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Takes the block files of these folders out of the cache. */
export async function forgetCached(folders: readonly string[]): Promise<void> {
  for (const folder of folders) await run("sync", ["-f", folder]);
  const forget = ["-exec", "dd", "if={}", "iflag=nocache", "count=0", "status=none", ";"];
  await run("find", [...folders, "-name", "*.block", ...forget]);
}

/** Bytes read and written in a second, copying up to so many of the block files. */
export async function copySpeed(from: string, to: string, mostBytes: number): Promise<number> {
  const files: string[] = [];
  let bytes = 0;
  for (const name of await readdir(from)) {
    if (bytes >= mostBytes || !name.endsWith(".block")) continue;
    bytes += (await stat(join(from, name))).size;
    files.push(join(from, name));
  }
  if (files.length === 0) return 0;
  const target = join(to, "copied");
  await run("mkdir", ["-p", target]);
  await forgetCached([from]);
  try {
    const begunMs = performance.now();
    await run("cp", [...files, target]);
    await run("sync", ["-f", target]);
    return (2 * bytes * 1000) / (performance.now() - begunMs);
  } finally {
    await rm(target, { recursive: true, force: true });
  }
}
