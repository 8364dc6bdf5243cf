/** The flags about an endpoint: they count for the one before them, and for all where they stand before the first. */
import { type Command, InvalidArgumentError } from "commander";
import { QuarryError } from "../../base/errors.ts";
import { mostOf } from "../cluster/settings.ts";

/** As typed. */
export interface EndpointFlags {
  endpoint?: string;
  name?: string;
  accessKey?: string;
  secretKey?: string;
  region?: string;
  durability?: string;
  serverPid?: readonly number[];
  fids?: string;
  store?: string;
  cluster?: string;
  clusterNameservers?: number;
  clusterDataservers?: number;
}

/** What can be started here. */
export const ownEndpoints = {
  quarry: "a store, --durability commit, interval or none",
  cluster: "a whole cluster, each member a process, three copies",
  raw: "a server that takes and sends bytes and does nothing else",
  "raw-md5": "… and makes the MD5 of what it takes",
  "raw-disk": "… and writes it into a file of its own and syncs it",
} as const;

type Set = (value: string) => EndpointFlags;

const options: readonly (readonly [flag: string, what: string, set: Set])[] = [
  ["--name <name>", "… how it is called in tables", (name) => ({ name })],
  [
    "--access-key <key>",
    "… its access key (AWS_ACCESS_KEY_ID, QUARRY_ROOT_ACCESS_KEY)",
    (accessKey) => ({ accessKey }),
  ],
  [
    "--secret-key <key>",
    "… its secret key (AWS_SECRET_ACCESS_KEY, QUARRY_ROOT_SECRET_KEY)",
    (secretKey) => ({ secretKey }),
  ],
  ["--region <name>", "… its region (AWS_REGION; us-east-1)", (region) => ({ region })],
  [
    "--server-pid <pids>",
    "… its processes, as in 12,34: with all below them",
    (pids) => ({ serverPid: pids.split(",").map(pidFrom) }),
  ],
  [
    "--durability <mode>",
    "… of a store started here; of others a word for the report",
    (durability) => ({ durability }),
  ],
  ["--fids <url>", "… where it serves fids, for fid-put and fid-get", (fids) => ({ fids })],
  [
    "--store <dir>",
    "… folder of its `quarry serve`, for stream-put and stream-get",
    (store) => ({ store }),
  ],
  ["--cluster <dir>", "… or of its `quarry cluster`", (cluster) => ({ cluster })],
  [
    "--cluster-nameservers <n>",
    "… of a cluster started here (3)",
    (n) => ({ clusterNameservers: countFrom(n, mostOf.nameserver) }),
  ],
  [
    "--cluster-dataservers <n>",
    "… of a cluster started here (8)",
    (n) => ({ clusterDataservers: countFrom(n, mostOf.dataserver) }),
  ],
];

/** Adds the flags, and returns where they are gathered in the order in which they are typed. */
export function withEndpointOptions(command: Command): () => EndpointFlags[] {
  const shared: EndpointFlags = {};
  const named: EndpointFlags[] = [];
  const words = Object.entries(ownEndpoints).map(([word, what]) => `${word} (${what})`);
  const begin: Set = (endpoint) => {
    named.push({});
    return { endpoint };
  };
  const first = `several: in turns, the first beside the others; a URL, or what is started here: ${words.join(", ")}`;
  for (const [flag, what, set] of [["--endpoint <url>", first, begin] as const, ...options])
    command.option(flag, what, (value: string) => {
      const flags = set(value);
      Object.assign(named.at(-1) ?? shared, flags);
      return value;
    });
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

function countFrom(text: string, most: number): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > most)
    throw new InvalidArgumentError(`it is a whole number from 1 to ${most}.`);
  return count;
}
