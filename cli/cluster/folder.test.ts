import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeDisk } from "../../base/disk-node.ts";
import { limits } from "../../base/limits.ts";
import { systemRandom } from "../../base/random.ts";
import { fitsSocket } from "../../rpc/address.ts";
import { claimFolder, ensureSecret, knownPlan, pathsOf } from "./folder.ts";
import { isMember } from "./left-behind.ts";
import { lastLine, openLog } from "./log-file.ts";
import { type ClusterPlan, readPlan, writePlan } from "./plan.ts";

const scratch = () => mkdtempDisposable(join(tmpdir(), "quarry-folder-"));

const plan: ClusterPlan = {
  diskBytes: 2 ** 34,
  members: [
    { name: "ns1", kind: "nameserver", port: 12_001, hasBegun: true },
    { name: "ds1", kind: "dataserver", port: 12_002, rack: "rack1", hasBegun: false },
  ],
};

test("a plan is read as it was written; a damaged or newer one is refused", async () => {
  await using folder = await scratch();
  const { plan: path } = pathsOf(folder.path);
  expect(await readPlan(nodeDisk, path)).toBeUndefined();
  await expect(knownPlan(nodeDisk, folder.path)).rejects.toThrow(/not the folder of a cluster/);
  await writePlan(nodeDisk, path, plan);
  expect(await knownPlan(nodeDisk, folder.path)).toEqual(plan);
  await writeFile(path, JSON.stringify({ format: 2, ...plan }));
  await expect(readPlan(nodeDisk, path)).rejects.toThrow(/newer version/);
  for (const text of ["{", "{}", "null", "7"]) {
    await writeFile(path, text);
    await expect(readPlan(nodeDisk, path)).rejects.toThrow(/cannot be read/);
  }
});

test("a folder with other things in it is refused, and one that is taken too", async () => {
  await using folder = await scratch();
  const other = join(folder.path, "photos");
  await nodeDisk.makeDirectory(other);
  await writeFile(join(other, "one.jpg"), "x");
  await expect(claimFolder(nodeDisk, other)).rejects.toThrow(/something else/);
  const own = join(folder.path, "cluster");
  {
    await using _ = await claimFolder(nodeDisk, own);
    await ensureSecret(nodeDisk, systemRandom, pathsOf(own).secret);
    expect((await stat(own)).mode & 0o777).toBe(0o700);
    expect((await stat(pathsOf(own).secret)).mode & 0o777).toBe(0o600);
    await expect(claimFolder(nodeDisk, own)).rejects.toThrow(/in use/);
  }
  // Killed before it had a plan, it begins again.
  await using _ = await claimFolder(nodeDisk, own);
});

test("the socket of a folder with a long path is short, and its own", () => {
  const long = `/${"x".repeat(200)}`;
  expect(fitsSocket(pathsOf(long).socket)).toBe(true);
  expect(pathsOf(long).socket).not.toBe(pathsOf(`${long}y`).socket);
  expect(pathsOf("/c").socket).toBe("/c/control.sock");
});

test("only a process that names this cluster's secret is one of its members", async () => {
  // Behind `--`: as an option of its own Node would refuse it, and end.
  const wait = ["-e", "process.stdin.resume()", "--"];
  const ours = spawn(process.execPath, [...wait, "--secret-file", pathsOf("/c").secret]);
  try {
    await once(ours, "spawn");
    expect(await isMember(ours.pid ?? 0, "/c")).toBe(true);
    expect(await isMember(ours.pid ?? 0, "/d")).toBe(false);
    // Its path ends with that of another.
    expect(await isMember(ours.pid ?? 0, "c")).toBe(false);
  } finally {
    ours.kill("SIGKILL");
  }
  await once(ours, "exit");
  expect(await isMember(ours.pid ?? 0, "/c")).toBe(false);
  expect(await isMember(process.pid, "/c")).toBe(false);
  for (const none of [0, -1, 1.5, Number.NaN]) expect(await isMember(none, "/")).toBe(false);
});

test("the last line that a member printed is found, and a long log is put aside", async () => {
  await using folder = await scratch();
  const path = join(folder.path, "ds1.log");
  expect(lastLine(path)).toBe("");
  await writeFile(path, `${"long ".repeat(2_000)}\nlast words\n\n`);
  expect(lastLine(path)).toBe("last words");
  using _same = openLog(path);
  expect((await stat(path)).size).toBeGreaterThan(0);
  await truncate(path, limits.memberLogBytes + 1);
  using _fresh = openLog(path);
  expect((await stat(path)).size).toBe(0);
  expect((await stat(`${path}.1`)).size).toBe(limits.memberLogBytes + 1);
});
