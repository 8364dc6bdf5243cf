/** What `quarry nameserver` was asked to do. */
import { resolve } from "node:path";
import { QuarryError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { type Address, formatAddress, parseAddress } from "../../rpc/address.ts";
import type { TlsFlags } from "../tls-files.ts";

export interface NameserverFlags extends TlsFlags {
  readonly data: string;
  readonly secretFile: string;
  readonly listen?: string;
  readonly address?: string;
  readonly node?: string;
  readonly peers?: string;
  readonly found?: boolean;
  readonly fromServe?: boolean;
  readonly join?: string;
  readonly learner?: boolean;
  readonly replace?: string;
}

export interface NameserverSettings {
  readonly directory: string;
  readonly secretFile: string;
  /** Where to listen, when that is not where the others reach it. */
  readonly listen?: Address;
  /** Where the others reach it, when that is said. */
  readonly address?: Address;
  readonly node?: NodeId;
  /** Of the founders. */
  readonly addresses?: ReadonlyMap<NodeId, Address>;
  readonly founds: boolean;
  /** The folder was made by `quarry serve`. */
  readonly grows: boolean;
  readonly join?: Joining;
}

export interface Joining {
  readonly servers: readonly Address[];
  readonly address: Address;
  readonly role: "voter" | "learner";
  readonly replaces?: NodeId;
}

export function nameserverSettings(flags: NameserverFlags): NameserverSettings {
  if (flags.data === "") throw wrong("--data needs a folder, and was given an empty name");
  if (flags.join !== undefined && (flags.peers ?? flags.node ?? flags.found) !== undefined)
    throw wrong("--join is for a nameserver that is new: it is given its number, and the others");
  if (flags.fromServe === true && (flags.join ?? flags.found) !== undefined)
    throw wrong("--from-serve takes what is there: it goes with --node 1 and --peers 1=host:port");
  if (flags.join === undefined && (flags.learner ?? flags.replace) !== undefined)
    throw wrong("--learner and --replace say how to --join");
  const listen = flags.listen === undefined ? undefined : parseAddress(flags.listen);
  const address = flags.address === undefined ? undefined : parseAddress(flags.address);
  return {
    directory: resolve(flags.data),
    secretFile: flags.secretFile,
    ...(listen !== undefined && { listen }),
    ...(address !== undefined && { address }),
    ...founding(flags),
    founds: flags.found === true,
    grows: flags.fromServe === true,
    ...(flags.join !== undefined && { join: joining(flags.join, address ?? listen, flags) }),
  };
}

function founding({ node: digits, peers }: NameserverFlags) {
  const node = digits === undefined ? undefined : nodeFrom(digits, "--node");
  if (peers === undefined) return node === undefined ? {} : { node };
  if (node === undefined) throw wrong("--peers needs --node: which of them is this nameserver?");
  const addresses = peersFrom(peers);
  if (!addresses.has(node)) throw wrong(`--peers does not name ${node}, which is this nameserver`);
  return { node, addresses };
}

function joining(servers: string, address: Address | undefined, flags: NameserverFlags): Joining {
  if (address === undefined)
    throw wrong("--join needs --listen: where the others will reach this nameserver");
  return {
    servers: servers.split(",").map(parseAddress),
    address,
    role: flags.learner === true ? "learner" : "voter",
    ...(flags.replace !== undefined && { replaces: nodeFrom(flags.replace, "--replace") }),
  };
}

/** `1=host:port,2=host:port,…` */
function peersFrom(text: string): Map<NodeId, Address> {
  const addresses = new Map<NodeId, Address>();
  const taken = new Set<string>();
  for (const one of text.split(",")) {
    const [, digits, place] = /^([^=]*)=(.*)$/.exec(one) ?? [];
    if (digits === undefined || place === undefined)
      throw wrong(`--peers is like 1=host:port,2=host:port; ${one || "empty"} is not`);
    const node = nodeFrom(digits, "a number in --peers");
    const address = parseAddress(place);
    if (addresses.has(node)) throw wrong(`--peers names ${node} twice`);
    if (taken.has(formatAddress(address))) throw wrong(`--peers names ${place} twice`);
    taken.add(formatAddress(address));
    addresses.set(node, address);
  }
  if (addresses.size > limits.raftMembers)
    throw wrong(`a group has at most ${limits.raftMembers} nameservers`);
  return addresses;
}

export function nodeFrom(text: string, what: string): NodeId {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw wrong(`${what} is a whole number from 1 on, not ${text}`);
  return Number(text) as NodeId;
}

const wrong = (message: string) => new QuarryError("InvalidArgument", message);
