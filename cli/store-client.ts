/**
 * A client of a running store or cluster, for commands that reach metadata and blocks themselves instead of
 * going through a face.
 */
import { createClient } from "../client/client.ts";
import { Devices } from "../client/devices.ts";
import { LeaderNames } from "../client/leader.ts";
import type { Store } from "../client/store.ts";
import { RpcClient } from "../rpc/client.ts";
import { connect } from "../rpc/connect.ts";
import { blockTable, nameTable } from "../rpc/tables.ts";
import { openPeers, type PeerFlags, type Peers } from "./peers.ts";

/** To be disposed: connections are open until then. */
export async function openStoreClient(
  flags: PeerFlags,
  report: (message: string) => void,
): Promise<Store> {
  const peers = await openPeers(flags, report);
  return flags.store === undefined ? ofCluster(peers) : ofProcess(peers);
}

function ofCluster(peers: Peers): Store {
  const { addresses, trust } = peers;
  const leader = new LeaderNames({ ...trust, addresses });
  const { names } = leader;
  const devices = new Devices({ ...trust, names });
  const onClose = async () => {
    await devices[Symbol.asyncDispose]();
    await leader[Symbol.asyncDispose]();
    peers[Symbol.dispose]();
  };
  return createClient({ ...trust, names, serviceOf: devices.serviceOf, onClose });
}

/** One process answers for names and blocks. */
function ofProcess(peers: Peers): Store {
  const [address] = peers.addresses;
  if (address === undefined) throw new TypeError("a store has an address");
  const { trust } = peers;
  const rpc = new RpcClient({ ...trust, address });
  const blocks = connect(blockTable, rpc);
  const onClose = async () => {
    await rpc.close();
    peers[Symbol.dispose]();
  };
  return createClient({
    ...trust,
    names: connect(nameTable, rpc),
    serviceOf: () => blocks,
    onClose,
  });
}
