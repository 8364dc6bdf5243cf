/**
 * The way into a running `quarry serve` for commands on the same machine: `storage-access` in its first
 * folder, which only its owner can read, names its socket and the secret of this run.
 */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { QuarryError } from "../../base/errors.ts";

export interface StorageAccess {
  readonly path: string;
  /** Hex. */
  readonly secret: string;
}

const fileIn = (directory: string) => join(directory, "storage-access");

export async function writeAccess(directory: string, access: StorageAccess): Promise<void> {
  await removeAccess(directory);
  await writeFile(fileIn(directory), JSON.stringify(access), { mode: 0o600 });
}

export async function removeAccess(directory: string): Promise<void> {
  await rm(fileIn(directory), { force: true });
}

/** @throws QuarryError `InvalidArgument` when no store runs there. */
export async function readAccess(directory: string): Promise<StorageAccess> {
  const refuse = (cause?: unknown) =>
    new QuarryError(
      "InvalidArgument",
      `no \`quarry serve\` that you may speak to runs in ${directory}: start it, or say --nameservers and --secret-file of a cluster`,
      { cause },
    );
  try {
    const { path, secret } = JSON.parse(await readFile(fileIn(directory), "utf8")) as StorageAccess;
    if (typeof path !== "string" || !/^[0-9a-f]{64}$/.test(secret)) throw refuse();
    return { path, secret };
  } catch (error) {
    throw refuse(error);
  }
}
