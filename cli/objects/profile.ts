/**
 * The endpoint and region of a profile in ~/.aws/config and ~/.aws/credentials (credentials
 * themselves are the SDK's business): `endpoint_url`, the one of `s3` in the profile's `services`
 * section, and `region`.
 */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export interface Profile {
  readonly found: boolean;
  readonly files: readonly string[];
  readonly endpoint?: string;
  readonly region?: string;
}

/** Section name → setting → value; nested settings are `outer.inner`. */
export type Ini = ReadonlyMap<string, ReadonlyMap<string, string>>;

export function parseIni(text: string): Ini {
  const sections = new Map<string, Map<string, string>>();
  let section = new Map<string, string>();
  let outer = "";
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*([#;]|$)/.test(line)) continue;
    const head = /^\s*\[\s*([^\]]*?)\s*\]/.exec(line);
    if (head !== null) {
      const name = (head[1] ?? "").replace(/\s+/g, " ").replaceAll('"', "");
      section = sections.get(name) ?? new Map();
      sections.set(name, section);
      outer = "";
      continue;
    }
    const equals = line.indexOf("=");
    if (equals < 0) continue;
    const name = line.slice(0, equals).trim();
    const value = line
      .slice(equals + 1)
      .replace(/\s[#;].*$/, "")
      .trim();
    const nested = /^\s/.test(line) && outer !== "";
    if (!nested) outer = value === "" ? name : "";
    section.set(nested ? `${outer}.${name}` : name, value);
  }
  return sections;
}

function read(path: string): Ini {
  try {
    return parseIni(readFileSync(path, "utf8"));
  } catch (error) {
    // Most people have no such file.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw error;
  }
}

export function readProfile(name: string): Profile {
  const { env } = process;
  const configPath = env["AWS_CONFIG_FILE"] ?? join(homedir(), ".aws", "config");
  const secretsPath = env["AWS_SHARED_CREDENTIALS_FILE"] ?? join(homedir(), ".aws", "credentials");
  const config = read(configPath);
  const inConfig = config.get(`profile ${name}`) ?? config.get(name);
  const inSecrets = read(secretsPath).get(name);
  const setting = (key: string) => inConfig?.get(key) ?? inSecrets?.get(key);
  const services = setting("services");
  const endpoint =
    (services === undefined
      ? undefined
      : config.get(`services ${services}`)?.get("s3.endpoint_url")) ??
    setting("s3.endpoint_url") ??
    setting("endpoint_url");
  const region = setting("region");
  return {
    found: inConfig !== undefined || inSecrets !== undefined,
    files: [configPath, secretsPath],
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
  };
}
