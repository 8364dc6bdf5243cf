/**
 * What is measured: stores by URL, or those that are started here. Flags about an endpoint count for
 * the one before them, and for all where they stand before the first.
 */
import type { Command } from "commander";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { systemRandom } from "../../base/random.ts";
import { startQuarry, startRaw } from "./own-servers.ts";
import type { Credentials, Target } from "./request.ts";
import { type Measured, Stored } from "./stored.ts";

/** As typed. */
export interface EndpointFlags {
  endpoint?: string;
  name?: string;
  accessKey?: string;
  secretKey?: string;
  region?: string;
  durability?: string;
  serverPid?: readonly number[];
}

export interface Endpoint {
  readonly name: string;
  readonly url: string;
  readonly durability: string;
  /** Starts it, if that is to be done here. */
  open(): Promise<OpenEndpoint>;
}

export interface OpenEndpoint extends AsyncDisposable {
  readonly measured: Measured;
  /** Whether it goes with all that is stored in it. */
  readonly isOwn: boolean;
}

export interface StartFlags {
  readonly dir: string;
  readonly serve: readonly string[];
  readonly bucket: string;
  readonly signBody?: true;
}

export const ownEndpoints: Readonly<Record<string, string>> = {
  quarry: "a store that is started here, --durability commit, interval or none",
  raw: "a server that takes and sends bytes and does nothing else",
  "raw-md5": "… and makes the MD5 of what it takes",
  "raw-disk": "… and writes it into a file of its own and syncs it",
};

const DEFAULT_DURABILITY = "commit";

/** Adds the flags, and returns where they are gathered in the order in which they are typed. */
export function withEndpointOptions(command: Command): () => EndpointFlags[] {
  const shared: EndpointFlags = {};
  const named: EndpointFlags[] = [];
  const last = () => named.at(-1) ?? shared;
  const words = Object.entries(ownEndpoints).map(([word, what]) => `${word} (${what})`);
  const note = (set: (flags: EndpointFlags, value: string) => void) => (value: string) => {
    set(last(), value);
    return value;
  };
  command
    .option(
      "--endpoint <url>",
      `several: in turns, the first beside the others; a URL or ${words.join(", ")}`,
      (endpoint: string) => {
        named.push({ endpoint });
        return endpoint;
      },
    )
    .option(
      "--name <name>",
      "… how it is called in tables",
      note((of, v) => {
        of.name = v;
      }),
    )
    .option(
      "--access-key <key>",
      "… its access key (AWS_ACCESS_KEY_ID, QUARRY_ROOT_ACCESS_KEY)",
      note((of, v) => {
        of.accessKey = v;
      }),
    )
    .option(
      "--secret-key <key>",
      "… its secret key (AWS_SECRET_ACCESS_KEY, QUARRY_ROOT_SECRET_KEY)",
      note((of, v) => {
        of.secretKey = v;
      }),
    )
    .option(
      "--region <name>",
      "… its region (AWS_REGION; us-east-1)",
      note((of, v) => {
        of.region = v;
      }),
    )
    .option(
      "--server-pid <pids>",
      "… its processes, as in 12,34: with all below them",
      note((of, v) => {
        of.serverPid = v.split(",").map(pidFrom);
      }),
    )
    .option(
      "--durability <mode>",
      "… of a store started here; of others a word for the report",
      note((of, v) => {
        of.durability = v;
      }),
    );
  return () =>
    (named.length === 0 ? [{ endpoint: "quarry" }] : named).map((one) => ({ ...shared, ...one }));
}

function pidFrom(text: string): number {
  const pid = Number(text);
  if (!/^\d+$/.test(text) || pid < 1)
    throw new QuarryError(
      "InvalidArgument",
      `--server-pid needs numbers, not ${text || "nothing"}`,
    );
  return pid;
}

export function endpointsFrom(all: readonly EndpointFlags[], start: StartFlags): Endpoint[] {
  if (all.length > limits.benchEndpoints)
    throw new QuarryError("InvalidArgument", `${limits.benchEndpoints} endpoints at most`);
  const run = `bench-${systemRandom.bytes(4).toString("hex")}`;
  const endpoints = all.map((flags) => endpointFrom(flags, start, run));
  const twice = endpoints.find((one, i) => endpoints.findIndex((o) => o.name === one.name) !== i);
  if (twice !== undefined)
    throw new QuarryError("InvalidArgument", `two endpoints are called ${twice.name}: --name`);
  return endpoints;
}

function endpointFrom(flags: EndpointFlags, start: StartFlags, run: string): Endpoint {
  const { endpoint = "quarry" } = flags;
  if (Object.hasOwn(ownEndpoints, endpoint)) return ownEndpoint(endpoint, flags, start, run);
  const url = URL.parse(endpoint);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new QuarryError(
      "InvalidArgument",
      `${endpoint} is no endpoint: give a URL, or ${Object.keys(ownEndpoints).join(", ")}`,
    );
  const credentials = credentialsOf(flags);
  if (credentials === undefined)
    throw new QuarryError(
      "InvalidArgument",
      `${endpoint} needs keys: --access-key and --secret-key behind it, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`,
    );
  const name = flags.name ?? url.host;
  const target = targetOf(url.origin, flags, start, credentials);
  const measured = { name, target, pids: flags.serverPid ?? [], run, stored: new Stored() };
  return {
    ...{ name, url: url.origin, durability: flags.durability ?? "not said" },
    open: async () => ({ measured, isOwn: false, [Symbol.asyncDispose]: async () => undefined }),
  };
}

function ownEndpoint(word: string, flags: EndpointFlags, start: StartFlags, run: string): Endpoint {
  const durability = flags.durability ?? DEFAULT_DURABILITY;
  const name = flags.name ?? word;
  const credentials = {
    accessKey: "bench-access-key",
    secretKey: systemRandom.bytes(20).toString("hex"),
  };
  const isQuarry = word === "quarry";
  const began = async () => {
    if (isQuarry) return await startQuarry(start.dir, durability, credentials, start.serve);
    if (word === "raw-disk") return await startRaw(["--md5"], start.dir);
    return await startRaw(word === "raw-md5" ? ["--md5"] : []);
  };
  return {
    ...{ name, url: "started here" },
    durability: isQuarry ? durability : word === "raw-disk" ? "commit" : "none",
    async open() {
      const server = await began();
      const target = targetOf(server.url, flags, start, isQuarry ? credentials : undefined);
      const measured = { name, target, pids: [server.pid], run, stored: new Stored() };
      return {
        measured,
        isOwn: true,
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    },
  };
}

function targetOf(
  url: string,
  flags: EndpointFlags,
  { bucket, signBody }: StartFlags,
  credentials: Credentials | undefined,
): Target {
  const region = flags.region ?? process.env["AWS_REGION"] ?? "us-east-1";
  return {
    ...{ url, bucket, region, signBody: signBody === true },
    ...(credentials !== undefined && { credentials }),
  };
}

function credentialsOf({ accessKey, secretKey }: EndpointFlags): Credentials | undefined {
  const { env } = process;
  const pairs = [
    [accessKey, secretKey],
    [env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]],
    [env["QUARRY_ROOT_ACCESS_KEY"], env["QUARRY_ROOT_SECRET_KEY"]],
  ];
  for (const [access, secret] of pairs)
    if (access !== undefined && secret !== undefined)
      return { accessKey: access, secretKey: secret };
  return undefined;
}
