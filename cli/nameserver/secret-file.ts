/** The secret that all servers of a cluster share, in a file: 64 hex digits. */
import { readFile } from "node:fs/promises";
import { QuarryError } from "../../base/errors.ts";

export async function readSecret(path: string): Promise<Buffer> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw refuse(`${path} cannot be read`, cause);
  });
  if (!/^[0-9a-f]{64}\s*$/i.test(text)) throw refuse(`${path} does not hold 64 hex digits`);
  return Buffer.from(text.trim(), "hex");
}

function refuse(what: string, cause?: unknown): QuarryError {
  return new QuarryError(
    "InvalidArgument",
    `${what}. Make a secret once (openssl rand -hex 32 > secret; chmod 600 secret) and give every server the same`,
    { cause },
  );
}
