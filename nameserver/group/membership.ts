/** Takes a folder for a member of a group: founds it with the group, or finds whose it is. */
import type { Disk } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import { type Configuration, configurationOf, NO_MEMBERS } from "../../raft/configuration.ts";
import { NO_TERM, NOBODY } from "../../raft/entry.ts";
import type { Address } from "../../rpc/address.ts";
import type { TlsIdentity } from "../../rpc/tls.ts";
import { type MemberRecord, readMember, writeMember } from "./member-file.ts";
import { readVote, writeVote } from "./vote-file.ts";

/** How a nameserver that is one of several is started. */
export interface Membership {
  /** What all peers of the cluster know. */
  readonly secret: Uint8Array;
  /** Certificates, when the cluster uses TLS. */
  readonly tls?: TlsIdentity;
  /** Who it is said to be; the folder knows better, and must agree. */
  readonly node?: NodeId;
  /** Everybody who founds the group, and where they are; this member too. */
  readonly addresses?: ReadonlyMap<NodeId, Address>;
  /**
   * The folder may be empty. Otherwise it must not: a member that lost its folder would vote again
   * where it has voted, so it may only come back under another number.
   */
  readonly founds?: boolean;
  /** The folder is that of a store on one machine, which becomes a group of one. */
  readonly grows?: boolean;
}

/** What a group of one gives itself. */
const ONLY = 1 as NodeId;

/** Who belongs to the group before its first entry, as this member knows it. */
export function foundersOf({ founders }: MemberRecord): Configuration {
  return founders.length === 0 ? NO_MEMBERS : configurationOf({ voters: founders, learners: [] });
}

/** Others have what this member may lose: they could elect a leader, or one leads them. */
export const hasOthers = ({ node, voters }: MemberRecord): boolean =>
  voters.some((voter) => voter !== node);

/**
 * Checks that the folder is that of this member. Only then may it be opened.
 * @throws QuarryError `InvalidArgument` with what to do instead; `Damaged`.
 */
export async function claimFolder(
  disk: Disk,
  directory: string,
  member: Membership,
  mustExist: boolean,
): Promise<MemberRecord> {
  const { node } = member;
  const known = await readMember(disk, directory);
  if (typeof known === "object") {
    if (known.node === 0)
      throw refuse(`${directory} has no number in its group yet: start it again with --join`);
    if (node !== undefined && known.node !== node) throw othersFolder(directory, known.node, node);
    return known;
  }
  if (known !== undefined && node !== undefined && known !== node)
    throw othersFolder(directory, known, node);
  const { addresses } = member;
  if (known === undefined && mustExist && member.grows === true)
    return await claimStore(disk, directory, member);
  if (known === undefined && mustExist)
    throw refuse(
      `${directory} belongs to a store on one machine, or to another kind of server; choose another folder for a group, or say --from-serve to make this store a cluster`,
    );
  const isNew = known === undefined;
  if (node === undefined || addresses === undefined || (isNew && member.founds !== true))
    throw refuse(
      isNew
        ? `${directory} is empty. For a new group start all its nameservers with --node, --peers and --found; a nameserver more joins with --join. One that lost its folder must not come back under its number: it joins as a new one in the place of the old, with --join and --replace`
        : `${directory} does not know the other nameservers yet: start it once with --node and --peers`,
    );
  const founders = [...addresses.keys()].toSorted((a, b) => a - b);
  const record = { node, token: "", founders, voters: founders, addresses };
  await beginVote(disk, directory, isNew);
  await writeMember(disk, directory, record);
  return record;
}

/** A store on one machine was a group of one voter, number 1: nothing of it changes. */
async function claimStore(
  disk: Disk,
  directory: string,
  { node, addresses }: Membership,
): Promise<MemberRecord> {
  if (node !== ONLY || addresses === undefined || addresses.size !== 1)
    throw refuse(
      "a store becomes a group of one: say --node 1 --peers 1=host:port. More nameservers --join it later",
    );
  const record = { node, token: "", founders: [ONLY], voters: [ONLY], addresses };
  await writeMember(disk, directory, record);
  return record;
}

/** @throws QuarryError `InvalidArgument` when a folder is that of one of several. */
export async function refuseMember(disk: Disk, directory: string): Promise<void> {
  if ((await readMember(disk, directory)) !== undefined)
    throw refuse(
      `${directory} belongs to a nameserver of a cluster: start it with quarry nameserver (docs/cluster.md)`,
    );
}

/** From its beginning on a member has a vote file, so that a lost one is missed. */
export async function beginVote(disk: Disk, directory: string, isNew: boolean): Promise<void> {
  if (!isNew || (await readVote(disk, directory)) !== undefined) return;
  await writeVote(disk, directory, { term: NO_TERM, vote: NOBODY, mustNotVote: false });
}

const refuse = (message: string) => new QuarryError("InvalidArgument", message);

const othersFolder = (directory: string, known: NodeId, node: NodeId) =>
  refuse(`${directory} belongs to nameserver ${known}, not ${node}: name its own folder or number`);
