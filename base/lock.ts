/**
 * Keeps a second server out of a directory. The lock is the kernel's (through SQLite's file lock),
 * so it ends with the process, however that dies. `lock.json` only tells people who holds it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { QuarryError } from "./errors.ts";

/** Locks `directory`, which must exist. Throws `Locked` when another process (or this one) has it. */
export function lockDirectory(directory: string, startedMs: number): AsyncDisposable {
  const database = new DatabaseSync(join(directory, "lock"), { timeout: 0 });
  const about = join(directory, "lock.json");
  try {
    database.exec("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    throw new QuarryError(
      "Locked",
      `${directory} is in use by another server${holder(about)}; stop that one or choose another directory`,
      { cause: error },
    );
  }
  writeFileSync(about, `${JSON.stringify({ pid: process.pid, startedMs })}\n`, { mode: 0o600 });
  return {
    [Symbol.asyncDispose]: () => {
      database.close();
      return Promise.resolve();
    },
  };
}

function isBusy(error: unknown): boolean {
  const SQLITE_BUSY = 5;
  return error instanceof Error && (error as { errcode?: unknown }).errcode === SQLITE_BUSY;
}

function holder(about: string): string {
  try {
    const { pid } = JSON.parse(readFileSync(about, "utf8")) as { pid?: unknown };
    return typeof pid === "number" ? ` (process ${pid})` : "";
  } catch {
    return ""; // the file is only for people: the lock holds without it
  }
}
