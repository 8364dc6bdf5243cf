/** The secret that all servers of a cluster share, in a file: 64 hex digits. */
import { readFile, stat } from "node:fs/promises";
import { QuarryError } from "../../base/errors.ts";

export async function readSecret(path: string): Promise<Buffer> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw refuse(`${path} cannot be read`, cause);
  });
  if (!/^[0-9a-f]{64}\s*$/i.test(text)) throw refuse(`${path} does not hold 64 hex digits`);
  await warnOfReaders(path);
  return Buffer.from(text.trim(), "hex");
}

async function warnOfReaders(path: string): Promise<void> {
  const { mode } = await stat(path);
  if (process.platform !== "win32" && (mode & 0o077) !== 0)
    console.error(`${path} can be read by others of this machine: chmod 600 ${path}`);
}

function refuse(what: string, cause?: unknown): QuarryError {
  return new QuarryError(
    "InvalidArgument",
    `${what}. Make a secret once (openssl rand -hex 32 > secret; chmod 600 secret) and give every server the same`,
    { cause },
  );
}
