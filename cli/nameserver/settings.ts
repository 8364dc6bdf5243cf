/** What `quarry nameserver` was asked to do. */
import { resolve } from "node:path";
import { QuarryError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { type Address, formatAddress, parseAddress } from "../../rpc/address.ts";
import type { TlsFlags } from "../tls-files.ts";

export interface NameserverFlags extends TlsFlags {
  readonly data: string;
  readonly listen?: string;
  readonly node: string;
  readonly peers: string;
  readonly secretFile: string;
  readonly found?: boolean;
}

export interface NameserverSettings {
  readonly directory: string;
  readonly node: NodeId;
  readonly addresses: ReadonlyMap<NodeId, Address>;
  readonly listen: Address;
  readonly secretFile: string;
  readonly founds: boolean;
}

export function nameserverSettings(flags: NameserverFlags): NameserverSettings {
  if (flags.data === "") throw wrong("--data needs a folder, and was given an empty name");
  const addresses = peersFrom(flags.peers);
  const node = nodeFrom(flags.node, "--node");
  const own = addresses.get(node);
  if (own === undefined) throw wrong(`--peers does not name ${node}, which is this nameserver`);
  return {
    directory: resolve(flags.data),
    node,
    addresses,
    listen: flags.listen === undefined ? own : parseAddress(flags.listen),
    secretFile: flags.secretFile,
    founds: flags.found === true,
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

function nodeFrom(text: string, what: string): NodeId {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw wrong(`${what} is a whole number from 1 on, not ${text}`);
  return Number(text) as NodeId;
}

const wrong = (message: string) => new QuarryError("InvalidArgument", message);
