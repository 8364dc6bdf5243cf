/** What every process that joins a cluster is told: its nameservers, its secret, perhaps certificates. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { type Clock, systemClock } from "../base/clock.ts";
import { nodeDisk } from "../base/disk-node.ts";
import { QuarryError } from "../base/errors.ts";
import { type Random, systemRandom } from "../base/random.ts";
import { type Address, parseAddress } from "../rpc/address.ts";
import type { TlsIdentity } from "../rpc/tls.ts";
import { knownPlan, pathsOf } from "./cluster/folder.ts";
import { serversOf } from "./cluster/role-words.ts";
import { readSecret } from "./nameserver/secret-file.ts";
import { readAccess } from "./serve/access-file.ts";
import { shellWord } from "./shell-word.ts";
import { TlsFiles, type TlsFlags, withTlsOptions } from "./tls-files.ts";

export interface PeerFlags extends TlsFlags {
  readonly nameservers?: string;
  readonly secretFile?: string;
  /** A folder of `quarry serve`, instead of the others. */
  readonly store?: string;
  /** A folder of `quarry cluster`, instead of the others. */
  readonly cluster?: string;
}

/** Adds the flags that {@link openPeers} takes. */
export function withPeerOptions(command: Command): Command {
  return withTlsOptions(
    command
      .requiredOption(
        "--nameservers <list>",
        "some or all nameservers, as in host:port,host:port,host:port",
      )
      .requiredOption("--secret-file <file>", "64 hex digits that all servers share"),
  );
}

/** The same flags for commands that do as well with a store in one process. */
export function withClusterOptions(command: Command): Command {
  return withTlsOptions(
    command
      .option("--nameservers <list>", "some or all nameservers of a cluster, host:port,host:port")
      .option("--secret-file <file>", "64 hex digits that all servers of the cluster share")
      .option("--cluster <dir>", "instead of these: the folder of `quarry cluster` on this machine")
      .option("--store <dir>", "instead of these: the folder of `quarry serve` on this machine"),
  );
}

/** The flags that say which store, to be typed again behind another command. */
export function storeFlags(flags: PeerFlags): string {
  const said: Readonly<Record<string, string | undefined>> = {
    "--nameservers": flags.nameservers,
    "--secret-file": flags.secretFile,
    "--cluster": flags.cluster,
    "--store": flags.store,
    "--tls-cert": flags.tlsCert,
    "--tls-key": flags.tlsKey,
    "--tls-ca": flags.tlsCa,
  };
  return Object.entries(said)
    .filter(([, value]) => value !== undefined)
    .map(([flag, value]) => ` ${flag} ${shellWord(value ?? "")}`)
    .join("");
}

/** With these, connections to others and from others are made. */
export interface Trust {
  readonly clock: Clock;
  readonly random: Random;
  readonly secret: Uint8Array;
  readonly tls?: TlsIdentity;
}

export interface Peers extends Disposable {
  readonly addresses: readonly Address[];
  readonly trust: Trust;
}

/** @throws QuarryError `InvalidArgument` that says what to give instead. */
export async function openPeers(
  flags: PeerFlags,
  report: (message: string) => void,
): Promise<Peers> {
  const { addresses, secret } = await whomToAsk(flags);
  const certificates = await TlsFiles.open(flags, report);
  const { tls } = certificates;
  return {
    addresses,
    trust: { clock: systemClock, random: systemRandom, secret, ...(tls && { tls }) },
    [Symbol.dispose]: () => certificates[Symbol.dispose](),
  };
}

async function whomToAsk({ nameservers, secretFile, store, cluster }: PeerFlags) {
  if (cluster !== undefined && (nameservers ?? secretFile ?? store) === undefined) {
    const directory = resolve(cluster);
    const plan = await knownPlan(nodeDisk, directory, "--cluster");
    return {
      addresses: serversOf(plan).split(",").map(parseAddress),
      secret: await readSecret(pathsOf(directory).secret),
    };
  }
  if (cluster === undefined && store !== undefined && (nameservers ?? secretFile) === undefined) {
    const { path, secret } = await readAccess(store);
    return { addresses: [{ path }], secret: Buffer.from(secret, "hex") };
  }
  if ((cluster ?? store) !== undefined || nameservers === undefined || secretFile === undefined)
    throw new QuarryError(
      "InvalidArgument",
      "say --nameservers and --secret-file of a cluster, or --cluster with the folder of `quarry cluster`, or --store with that of `quarry serve`",
    );
  if (nameservers === "")
    throw new QuarryError("InvalidArgument", "--nameservers is like host:port,host:port");
  return {
    addresses: nameservers.split(",").map(parseAddress),
    secret: await readSecret(secretFile),
  };
}
