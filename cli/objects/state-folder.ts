/**
 * Where the command line remembers what it has begun: `$XDG_STATE_HOME/quarry`, one small file for
 * each unfinished transfer, written whole or not at all.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

export function stateFolder(): string {
  const base = process.env["XDG_STATE_HOME"];
  return join(
    base === undefined || base === "" ? join(homedir(), ".local", "state") : base,
    "quarry",
  );
}

/** A name that says nothing and is the same for the same transfer. */
export function transferName(...identity: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(identity)).digest("hex").slice(0, 32);
}

export async function readState(name: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(stateFolder(), name), "utf8"));
  } catch (error) {
    // Absent, or unreadable: then the transfer begins anew, which is always right.
    if (error instanceof SyntaxError || "code" in (error as object)) return undefined;
    throw error;
  }
}

/** Returns why it could not be kept, if so: a transfer works without, it only cannot be resumed. */
export async function keepState(name: string, state: object): Promise<string | undefined> {
  const folder = stateFolder();
  const beside = join(folder, `${name}.${process.pid}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(beside, JSON.stringify(state), { mode: 0o600 });
    await rename(beside, join(folder, name));
    return undefined;
  } catch (error) {
    return `${folder}: ${(error as Error).message}`;
  }
}

export async function forgetState(name: string): Promise<void> {
  await rm(join(stateFolder(), name), { force: true });
}
