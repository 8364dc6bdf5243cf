/** Which member of a group a folder belongs to: the file `member`, a number, written at the founding. */
import { type Disk, readWhole, replaceWhole } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import { type Configuration, configurationOf } from "../../raft/configuration.ts";
import type { Address } from "../../rpc/address.ts";
import type { TlsIdentity } from "../../rpc/tls.ts";

export interface Membership {
  readonly node: NodeId;
  /** Everybody who founds the group, and where they are; this member too. */
  readonly addresses: ReadonlyMap<NodeId, Address>;
  /** What all peers of the cluster know. */
  readonly secret: Uint8Array;
  /** Certificates, when the cluster uses TLS. */
  readonly tls?: TlsIdentity;
  /**
   * The folder may be empty. Otherwise it must not: a member that lost its folder would vote again
   * where it has voted, so it may only come back under another number.
   */
  readonly founds: boolean;
}

export function foundersOf({ addresses }: Membership): Configuration {
  return configurationOf({ voters: [...addresses.keys()], learners: [] });
}

/**
 * Checks that the folder is that of this member. Only then may it be opened.
 * @throws QuarryError `InvalidArgument` with what to do instead.
 */
export async function claimFolder(
  disk: Disk,
  directory: string,
  { node, founds }: Membership,
  mustExist: boolean,
): Promise<void> {
  const path = `${directory}/member`;
  if (await disk.exists(path)) {
    const text = (await readWhole(disk, path)).toString();
    if (text === `${node}\n`) return;
    throw new QuarryError(
      "InvalidArgument",
      `${directory} belongs to nameserver ${text.trim()}, not ${node}: name its own folder or number`,
    );
  }
  if (mustExist)
    throw new QuarryError(
      "InvalidArgument",
      `${directory} belongs to a store on one machine; choose another folder for a group`,
    );
  if (!founds)
    throw new QuarryError(
      "InvalidArgument",
      `${directory} is empty. For a new group start all its nameservers with --found; one that lost its folder must not come back under its number`,
    );
  await replaceWhole(disk, path, Buffer.from(`${node}\n`));
}
