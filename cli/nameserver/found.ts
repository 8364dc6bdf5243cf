/** Waits, in a folder that is new, until all founders of the group have met. */
import type { Clock } from "../../base/clock.ts";
import type { Disk } from "../../base/disk.ts";
import { readIdentity } from "../../base/identity.ts";
import type { NodeId } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import { Founding } from "../../nameserver/group/founding.ts";
import { meetFounders } from "../../nameserver/group/meet-founders.ts";
import { readMember } from "../../nameserver/group/member-file.ts";
import { type Address, formatAddress } from "../../rpc/address.ts";
import { NotLeader } from "../../rpc/not-leader.ts";
import { type ServedService, serve } from "../../rpc/serve.ts";
import { RpcServer } from "../../rpc/server.ts";
import { methodsOf, type ServiceTable } from "../../rpc/service-table.ts";
import {
  foundingTable,
  groupTable,
  livenessTable,
  nameTable,
  watchTable,
} from "../../rpc/tables.ts";
import type { TlsIdentity } from "../../rpc/tls.ts";

export interface FoundOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly node: NodeId;
  readonly addresses: ReadonlyMap<NodeId, Address>;
  readonly listen: Address;
  readonly secret: Uint8Array;
  readonly tls?: TlsIdentity;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: (message: unknown) => void;
  readonly say: (line: string) => void;
}

export async function found(options: FoundOptions): Promise<void> {
  const { disk, directory, node, addresses, random, listen } = options;
  if (addresses.size === 1) return;
  await disk.makeDirectory(directory);
  await using _lock = await disk.lock(directory);
  const isNew = (await readMember(disk, directory)) === undefined;
  // What else it may be is told when it is opened.
  if (!isNew || (await readIdentity(disk, directory)) !== undefined) return;
  const peers = [...addresses]
    .toSorted(([a], [b]) => a - b)
    .map(([id, at]) => `${id}=${formatAddress(at)}`)
    .join(",");
  const founding = await Founding.begin(disk, directory, { node, peers, random });
  await using _server = await RpcServer.listen({
    ...{ ...options, address: listen },
    services: [
      serve(founding, foundingTable),
      ...[notYet(nameTable), notYet(groupTable), notYet(watchTable), notYet(livenessTable)],
    ],
  });
  await meetFounders({ ...options, founding });
}

/** Who asks too early is to ask again. */
function notYet<Service extends object>(table: ServiceTable<Service>): ServedService {
  const early = async () => {
    throw new NotLeader("the nameservers that found this group have not all met yet", undefined);
  };
  const methods = Object.fromEntries(methodsOf(table).map(({ name }) => [name, early]));
  return serve(methods as unknown as Service, table);
}
