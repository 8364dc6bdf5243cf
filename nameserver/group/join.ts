/**
 * A nameserver that joins a group asks for a number, under which its folder goes from then on. The
 * folder notes first that it asks, so that asking again, after whatever happened, gives the same number.
 */
import type { Disk } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import { readIdentity } from "../../base/identity.ts";
import type { NodeId } from "../../base/ids.ts";
import { LEVEL } from "../../base/version.ts";
import { type Address, formatAddress, parseAddress } from "../../rpc/address.ts";
import { type AskLeader, askLeader } from "./ask-leader.ts";
import { type MemberRecord, readMember, writeMember } from "./member-file.ts";
import { beginVote } from "./membership.ts";

export interface JoinOptions extends AskLeader {
  readonly disk: Disk;
  readonly directory: string;
  /** Where this nameserver will be reached. */
  readonly address: Address;
  readonly role: "voter" | "learner";
  readonly replaces?: NodeId;
  readonly say: (line: string) => void;
}

/** Resolves when the folder has its number. */
export async function join(options: JoinOptions): Promise<void> {
  const { disk, directory, random, address, role, replaces, servers, say } = options;
  await disk.makeDirectory(directory);
  await using _lock = await disk.lock(directory);
  const known = await readMember(disk, directory);
  if (typeof known === "number" || (typeof known === "object" && known.node !== 0)) {
    const node = typeof known === "number" ? known : known.node;
    say(`${directory} is that of nameserver ${node} already: it goes on as that`);
    return;
  }
  if (known === undefined && (await readIdentity(disk, directory)) !== undefined)
    throw new QuarryError(
      "InvalidArgument",
      `${directory} belongs to a store on one machine, or to another kind of server; join with another folder`,
    );
  const token = known?.token ?? random.uuid();
  const none = { token, founders: [], voters: [], addresses: new Map() };
  if (known === undefined) await writeMember(disk, directory, { node: 0 as NodeId, ...none });
  say(`asking ${servers.map(formatAddress).join(", ")} for a number in the group …`);
  const { node, members } = await askLeader(options, (leader) =>
    leader.admit({
      ...{ address: formatAddress(address), role, token, level: LEVEL },
      ...(replaces !== undefined && { replaces }),
    }),
  );
  const places = members.map((one) => [one.node, parseAddress(one.address)] as const);
  const voters = members.filter((one) => one.role === "voter" && one.node !== node);
  const record: MemberRecord = {
    ...{ node, token, founders: [] },
    voters: voters.map((one) => one.node),
    addresses: new Map([...places, [node, address]]),
  };
  await beginVote(disk, directory, true);
  await writeMember(disk, directory, record);
  say(`this is nameserver ${node}; its folder remembers that`);
}
