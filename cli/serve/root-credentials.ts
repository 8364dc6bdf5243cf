/**
 * The root user's keys: made at the first start, kept in a file that only its owner can read, in a
 * form that a shell can source. There is no default password.
 */
import { dirname, join } from "node:path";
import { type Disk, readWhole, replaceWhole } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import { shellQuoted, shellWord } from "../shell-word.ts";

export interface RootCredentials {
  readonly accessKey: string;
  readonly secretKey: string;
}

const ACCESS_KEY = /^[A-Za-z0-9._-]{3,128}$/;
const SECRET_KEY = /^[!-~]{8,128}$/;

/** Where the file is, in the first data directory. */
export function credentialsPath(directory: string): string {
  return join(directory, "root-credentials");
}

/**
 * Keys from the environment, from the file, or new ones; the file holds them afterwards.
 * Throws `InvalidArgument` for keys that no client could use.
 */
export async function rootCredentials(
  disk: Disk,
  random: Random,
  path: string,
  endpoint: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<RootCredentials> {
  const kept = (await disk.exists(path)) ? parse(path, await readWhole(disk, path)) : undefined;
  const keys = environmentKeys(environment) ?? kept ?? freshKeys(random);
  await disk.makeDirectory(dirname(path));
  await replaceWhole(disk, path, Buffer.from(format(keys, endpoint)));
  return keys;
}

/** Throws `InvalidArgument` for keys that no client could use. */
export function environmentKeys(
  environment: Readonly<Record<string, string | undefined>>,
): RootCredentials | undefined {
  const accessKey = environment["QUARRY_ROOT_ACCESS_KEY"];
  const secretKey = environment["QUARRY_ROOT_SECRET_KEY"];
  if (accessKey === undefined && secretKey === undefined) return undefined;
  if (accessKey === undefined || !ACCESS_KEY.test(accessKey))
    throw new QuarryError(
      "InvalidArgument",
      "QUARRY_ROOT_ACCESS_KEY must be 3 to 128 letters, digits, dots, dashes or underscores",
    );
  if (secretKey === undefined || !SECRET_KEY.test(secretKey))
    throw new QuarryError(
      "InvalidArgument",
      "QUARRY_ROOT_SECRET_KEY must be 8 to 128 printable characters without spaces",
    );
  return { accessKey, secretKey };
}

/** A pair of keys that nobody can guess. */
export function freshKeys(random: Random): RootCredentials {
  return {
    accessKey: `QK${random.bytes(9).toString("hex").toUpperCase()}`,
    secretKey: random.bytes(30).toString("base64url"),
  };
}

/** The line for a shell that puts endpoint and keys of the file into its environment. */
export function sourcingLine(path: string): string {
  return `set -a; . ${shellWord(path)}; set +a`;
}

function format(keys: RootCredentials, endpoint: string): string {
  return [
    "# Quarry's root user. Keep this file to yourself. Source it: set -a; . FILE; set +a",
    `AWS_ACCESS_KEY_ID=${shellQuoted(keys.accessKey)}`,
    `AWS_SECRET_ACCESS_KEY=${shellQuoted(keys.secretKey)}`,
    `AWS_ENDPOINT_URL=${shellQuoted(endpoint)}`,
    "AWS_DEFAULT_REGION='us-east-1'",
    "",
  ].join("\n");
}

function parse(path: string, content: Buffer): RootCredentials {
  const value = (name: string) => {
    const line = content
      .toString()
      .split("\n")
      .find((one) => one.startsWith(`${name}=`));
    return line
      ?.slice(name.length + 1)
      .replace(/^'|'$/g, "")
      .replaceAll(`'\\''`, "'");
  };
  const accessKey = value("AWS_ACCESS_KEY_ID");
  const secretKey = value("AWS_SECRET_ACCESS_KEY");
  if (!accessKey || !secretKey || !ACCESS_KEY.test(accessKey) || !SECRET_KEY.test(secretKey))
    throw new QuarryError(
      "Damaged",
      `${path} holds no keys that could work. Mend it, or set QUARRY_ROOT_ACCESS_KEY and QUARRY_ROOT_SECRET_KEY to write it anew.`,
    );
  return { accessKey, secretKey };
}
