/** `quarry` itself, for who starts a role of it: beside the sources, or beside what was built of them. */
import { existsSync } from "node:fs";
import { join } from "node:path";

/** With which Node runs it, as `npm start` and the installed program have it (bin.mjs says why). */
export const nodeFlags: readonly string[] = ["--max-semi-space-size=32"];

export function ownProgram(): string {
  const beside = join(import.meta.dirname, "bin.mjs");
  return existsSync(beside) ? beside : join(import.meta.dirname, "..", "..", "cli", "bin.mjs");
}
