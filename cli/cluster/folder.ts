/**
 * The folder of a cluster, which one `quarry cluster` has at a time:
 *
 *     cluster.json       its plan               secret             what all members prove to know
 *     root-credentials   root's key             control.sock       takes orders while it runs
 *     ns1/ ds3/ …        data of each member    ds3.log, ds3.pid   what it printed; its process
 */
import { createHash } from "node:crypto";
import { chmod } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Disk, replaceWhole } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import { fitsSocket } from "../../rpc/address.ts";
import { readPlan } from "./plan.ts";

export interface FolderPaths {
  readonly directory: string;
  readonly plan: string;
  readonly secret: string;
  readonly credentials: string;
  readonly socket: string;
}

export function pathsOf(directory: string): FolderPaths {
  const socket = join(directory, "control.sock");
  const digest = createHash("sha256").update(directory).digest("hex");
  return {
    directory,
    plan: join(directory, "cluster.json"),
    secret: join(directory, "secret"),
    credentials: join(directory, "root-credentials"),
    // A socket's path may be short only: then it is one that both sides can find.
    socket: fitsSocket(socket) ? socket : join(tmpdir(), `quarry-${digest.slice(0, 16)}.sock`),
  };
}

/** Data of a member; of a dataserver, its blocks lie in `device` within. */
export const dataOf = (directory: string, member: string) => join(directory, member);
export const deviceOf = (directory: string, member: string) => join(directory, member, "device");
export const logOf = (directory: string, member: string) => join(directory, `${member}.log`);
export const pidFileOf = (directory: string, member: string) => join(directory, `${member}.pid`);

/** Makes the folder, for its owner alone, and keeps others out until disposed or dead. */
export async function claimFolder(disk: Disk, directory: string): Promise<AsyncDisposable> {
  const names = await disk.list(directory);
  const isOurs = await disk.exists(pathsOf(directory).plan);
  const isEmpty = names.every((name) =>
    /^(lock|lock-journal|lock\.json|secret|.*\.new)$/.test(name),
  );
  if (!isOurs && !isEmpty)
    throw new QuarryError(
      "InvalidArgument",
      `${directory} holds something else (${names[0]}); choose an empty folder, or a new one, with --data`,
    );
  await disk.makeDirectory(directory);
  await chmod(directory, 0o700);
  return await disk.lock(directory);
}

/** The secret of the cluster is made once. */
export async function ensureSecret(disk: Disk, random: Random, path: string): Promise<void> {
  if (await disk.exists(path)) return;
  await replaceWhole(disk, path, Buffer.from(`${random.bytes(32).toString("hex")}\n`));
  await chmod(path, 0o600);
}

/** @throws QuarryError `InvalidArgument` when no cluster was ever started there. */
export async function knownPlan(disk: Disk, directory: string, flag = "--data") {
  const plan = await readPlan(disk, pathsOf(directory).plan);
  if (plan !== undefined) return plan;
  throw new QuarryError(
    "InvalidArgument",
    `${directory} is not the folder of a cluster; name it with ${flag}`,
  );
}
