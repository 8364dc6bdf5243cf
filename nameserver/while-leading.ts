/** Only the leader of a group answers: the others say who that is. */
import { formatAddress } from "../rpc/address.ts";
import type { NameService } from "../rpc/name-service.ts";
import { NotLeader } from "../rpc/not-leader.ts";
import type { Membership } from "./group/membership.ts";
import type { Replica } from "./group/replica.ts";

/** Whoever leads no more without knowing it is found out by the group: reads and changes fail there. */
export function whileLeading(
  service: NameService,
  group: Replica,
  { addresses }: Membership,
): NameService {
  const check = () => {
    if (group.isLeader) return;
    const node = group.leader;
    const address = node === undefined ? undefined : addresses.get(node);
    if (node === undefined || address === undefined)
      throw new NotLeader("the nameservers have no leader now; try again", undefined);
    const leader = { node, address: formatAddress(address) };
    throw new NotLeader(`nameserver ${node} at ${leader.address} leads; ask there`, leader);
  };
  type Methods = Record<string, (...args: unknown[]) => Promise<unknown>>;
  const guarded = Object.entries(service as unknown as Methods).map(
    ([name, method]) =>
      [
        name,
        async (...args: unknown[]) => {
          check();
          return await method(...args);
        },
      ] as const,
  );
  return Object.fromEntries(guarded) as unknown as NameService;
}
