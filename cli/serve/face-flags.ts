/** What the flags of faces have in common: ports, and files with the secret of tokens. */
import { readFile } from "node:fs/promises";
import { InvalidArgumentError } from "commander";
import { QuarryError } from "../../base/errors.ts";
import type { TokenRule } from "../../gateway/fids/token.ts";

const SECRET_BYTES_MIN = 8;

export async function tokenRule(path: string, keptMs: number): Promise<TokenRule> {
  const secret = (await readFile(path, "utf8")).trim();
  if (secret.length < SECRET_BYTES_MIN)
    throw new QuarryError(
      "InvalidArgument",
      `${path} is to hold a secret of at least ${SECRET_BYTES_MIN} characters`,
    );
  return { secret, keptMs };
}

/** Listens, and says by which flag another port is chosen when this one is taken. */
export async function onPort<Opened>(
  flagOf: (port: number | undefined) => string,
  listening: Promise<Opened>,
): Promise<Opened> {
  try {
    return await listening;
  } catch (error) {
    const { code, port } = error as { readonly code?: unknown; readonly port?: number };
    if (code !== "EADDRINUSE") throw error;
    throw new QuarryError(
      "Locked",
      `port ${port} is taken. Stop what listens there, or choose another with ${flagOf(port)}.`,
      { cause: error },
    );
  }
}

export function facePort(text: string): number {
  const port = Number(text);
  if (!/^[0-9]{1,5}$/.test(text) || port > 65_535)
    throw new InvalidArgumentError("it is a whole number from 0 to 65535.");
  return port;
}
