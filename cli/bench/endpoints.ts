/** What is measured: stores by URL, or those that are started here. */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { systemRandom } from "../../base/random.ts";
import type { PeerFlags } from "../peers.ts";
import { type EndpointFlags, ownEndpoints } from "./endpoint-flags.ts";
import { startCluster } from "./own-cluster.ts";
import { type OwnServer, startQuarry, startRaw } from "./own-servers.ts";
import type { Credentials, Target } from "./request.ts";
import { type Measured, Stored } from "./stored.ts";

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

/** What is started here: how, and what becomes of what it has taken when the power goes. */
interface Starter {
  readonly durability: string;
  readonly isSigned: boolean;
  start(credentials: Credentials): Promise<OwnServer>;
}

const COMMIT = "commit";
const CLUSTER = { nameservers: 3, dataservers: 8 };

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
  if (isOwn(endpoint)) return ownEndpoint(endpoint, flags, start, run);
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
  const { store, cluster, fids, serverPid } = flags;
  const peers = store !== undefined ? { store } : cluster !== undefined ? { cluster } : undefined;
  const target = targetOf({ url: url.origin, fids, peers }, flags, start, credentials);
  const roles = async () => (serverPid === undefined ? {} : { server: serverPid });
  return {
    ...{ name, url: url.origin, durability: flags.durability ?? "not said" },
    open: async () => ({
      measured: { name, target, roles, run, stored: new Stored() },
      isOwn: false,
      [Symbol.asyncDispose]: async () => undefined,
    }),
  };
}

const isOwn = (word: string): word is keyof typeof ownEndpoints =>
  Object.hasOwn(ownEndpoints, word);

function starterOf(
  word: keyof typeof ownEndpoints,
  flags: EndpointFlags,
  { dir, serve }: StartFlags,
): Starter {
  const { durability = COMMIT, clusterNameservers, clusterDataservers } = flags;
  const raw = (kept: string, words: readonly string[], folder?: string): Starter => ({
    ...{ durability: kept, isSigned: false },
    start: () => startRaw(words, folder),
  });
  switch (word) {
    case "quarry":
      return {
        ...{ durability, isSigned: true },
        start: (credentials) => startQuarry(dir, durability, credentials, serve),
      };
    case "cluster": {
      if (durability !== COMMIT)
        throw new QuarryError("InvalidArgument", `a cluster syncs: its durability is ${COMMIT}`);
      const nameservers = clusterNameservers ?? CLUSTER.nameservers;
      const dataservers = clusterDataservers ?? CLUSTER.dataservers;
      return {
        ...{ durability, isSigned: true },
        start: (credentials) => startCluster(dir, { nameservers, dataservers }, credentials),
      };
    }
    case "raw":
      return raw("none", []);
    case "raw-md5":
      return raw("none", ["--md5"]);
    case "raw-disk":
      return raw(COMMIT, ["--md5"], dir);
  }
}

function ownEndpoint(
  word: keyof typeof ownEndpoints,
  flags: EndpointFlags,
  start: StartFlags,
  run: string,
): Endpoint {
  const name = flags.name ?? word;
  const starter = starterOf(word, flags, start);
  return {
    ...{ name, url: "started here", durability: starter.durability },
    async open() {
      const credentials = {
        accessKey: "bench-access-key",
        secretKey: systemRandom.bytes(20).toString("hex"),
      };
      const server = await starter.start(credentials);
      const target = targetOf(server, flags, start, starter.isSigned ? credentials : undefined);
      return {
        measured: { name, target, roles: server.roles, run, stored: new Stored() },
        isOwn: true,
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    },
  };
}

/** Where it is reached, by which ways. */
interface Ways {
  readonly url: string;
  readonly fids?: string | undefined;
  readonly peers?: PeerFlags | undefined;
}

function targetOf(
  { url, fids, peers }: Ways,
  flags: EndpointFlags,
  { bucket, signBody }: StartFlags,
  credentials: Credentials | undefined,
): Target {
  const region = flags.region ?? process.env["AWS_REGION"] ?? "us-east-1";
  return {
    ...{ url, bucket, region, signBody: signBody === true },
    ...(fids !== undefined && { fids }),
    ...(peers !== undefined && { peers }),
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
